import Dispatch
import Glibc
import LinuxIO
import Sealing
import Synchronization
import VXLAN

/// The thread that keeps the sessions: handshakes may stall it without costing a frame.
///
/// *Threads.* `start` and `stop` belong to one, the others may be called by any but its own.
final class SessionService: @unchecked Sendable {
  /// How long a report waits for the thread, which may be at a thousand handshakes.
  private static let answerTime = 2
  /// While much comes, between two turns, in microseconds: answers wait no longer than that, the inbox has room for
  /// five times as much, and a flood of 50,000 messages a second wakes the thread 250 times, not as often as it could.
  private static let floodPause: UInt32 = 4_000

  private let poller: Poller
  private let isStopping = Atomic<Bool>(false)
  private let questions = Mutex<[Answer]>([])
  private let changes = Mutex<[(SessionKeeper.Change, DispatchSemaphore)]>([])
  /// What the keeper has not heard yet.
  private let routes = Mutex<[Int: PeerRoute]>([:])
  private let keys = Mutex<KeyNews?>(nil)
  /// The thread's own once that runs.
  private let keeper: SessionKeeper
  private var thread: SystemThread?

  /// - Parameters:
  ///   - keeper: given away.
  ///   - poller: what the keeper's inbox wakes.
  init(_ keeper: SessionKeeper, poller: Poller) {
    self.keeper = keeper
    self.poller = poller
    keeper.isStopping = { [unowned self] in isStopping.load(ordering: .acquiring) }
  }

  func start() throws(Errno) {
    thread = try SystemThread(named: "vtep-sessions") { [self] in run() }
  }

  /// Ends the sessions and the thread: afterwards no worker finds a key.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    poller.wake()
    thread?.join()
    thread = nil
  }

  /// What routes are and take from now on, by peer slot. Any thread.
  func follow(_ news: [Int: PeerRoute]) {
    guard !news.isEmpty else { return }
    routes.withLock { routes in
      routes.merge(news) { PeerRoute(pathMTU: $1.pathMTU, isOther: $0.isOther || $1.isOther) }
    }
    poller.wake()
  }

  /// Other keys, from the next handshake on. Any thread.
  func take(_ news: KeyNews) {
    keys.withLock { $0 = KeyNews(privateKey: news.privateKey ?? $0?.privateKey, presharedKeys: news.presharedKeys) }
    poller.wake()
  }

  /// Peers and keys come and go. Signals when it is done: what was known of those who have left is then in no worker's
  /// way but for the batch that it is at. Any thread.
  func follow(_ change: SessionKeeper.Change) -> DispatchSemaphore {
    let done = DispatchSemaphore(value: 0)
    changes.withLock { $0.append((change, done)) }
    poller.wake()
    return done
  }

  /// How far each session is, by peer slot; nil when the thread does not answer in time.
  func statuses() -> [Int: SessionStatus]? {
    let answer = Answer()
    questions.withLock { $0.append(answer) }
    poller.wake()
    return answer.wait(seconds: Self.answerTime)
  }

  private func run() {
    while !isStopping.load(ordering: .acquiring) {
      keeper.follow(takeRoutes())
      if let news = takeKeys() { keeper.take(news) }
      takeChanges()
      let next = keeper.turn()
      answerQuestions()
      if keeper.cameMany { usleep(Self.floodPause) }
      poller.wait(milliseconds: Self.milliseconds(until: next)) { _ in }
    }
    keeper.end()
  }

  private func takeRoutes() -> [Int: PeerRoute] {
    routes.withLock { routes in
      defer { routes = [:] }
      return routes
    }
  }

  private func takeKeys() -> KeyNews? {
    keys.withLock { keys in
      defer { keys = nil }
      return keys
    }
  }

  private func takeChanges() {
    let waiting = changes.withLock { changes in
      defer { changes.removeAll() }
      return changes
    }
    for (change, done) in waiting {
      keeper.follow(change)
      done.signal()
    }
  }

  private func answerQuestions() {
    let waiting = questions.withLock { questions in
      defer { questions.removeAll() }
      return questions
    }
    guard !waiting.isEmpty else { return }
    let statuses = keeper.statuses()
    for answer in waiting { answer.give(statuses) }
  }

  /// Rounded up: too early would be once more around for nothing.
  private static func milliseconds(until next: Instant) -> Int32 {
    let pause = next.since(Instant(nanoseconds: Clock.now()))
    return pause == .zero ? 0 : Int32(clamping: pause.nanosecondCount / 1_000_000 + 1)
  }

  /// Handed from the service's thread to the one that waits.
  private final class Answer: Sendable {
    private let statuses = Mutex<[Int: SessionStatus]?>(nil)
    private let semaphore = DispatchSemaphore(value: 0)

    func give(_ statuses: [Int: SessionStatus]) {
      self.statuses.withLock { $0 = statuses }
      semaphore.signal()
    }

    func wait(seconds: Int) -> [Int: SessionStatus]? {
      guard semaphore.wait(timeout: .now() + .seconds(seconds)) == .success else { return nil }
      return statuses.withLock { $0 }
    }
  }
}
