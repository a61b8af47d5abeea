import Dataplane
import Glibc
import LinuxIO
import Logging
import Synchronization

/// Waits beside the control socket for those who want to capture what the agent carries: root and the agent's own user.
///
/// *Threads.* One of its own, and one for each capture; `stop` is for another.
final class CaptureOffer: Sendable {
  /// What is added to the path of the control socket.
  static let suffix = ".capture"
  /// At once.
  static let captureCountMax = Captures.countMax

  /// In microseconds.
  private static let stopPause: UInt32 = 5_000
  /// How long those who capture have to hear of the end before their connections go.
  private static let farewellTime = Duration.milliseconds(500)

  private struct State {
    var sessions: [Int: (session: CaptureSession, thread: SystemThread?)] = [:]
    var ended: [SystemThread] = []
    var number = 0
  }

  private let listener: MessageListener
  private let log: Logger
  private let state = Mutex(State())
  private let isStopping = Atomic<Bool>(false)
  private let thread = Mutex<SystemThread?>(nil)

  /// Listens beside the control socket at `path`, in the place of whoever did.
  init(besideControlSocket path: String, log: Logger) throws(Errno) {
    listener = try MessageListener(path: path + Self.suffix)
    self.log = log
  }

  /// Offers what `source` carries until `stop`, which has to come before the source goes.
  func start(_ source: any CaptureSource) throws(Errno) {
    // Unowned: the source keeps the offer.
    let thread = try SystemThread(named: "vtep-capture") { [self, unowned source] in run(source) }
    self.thread.withLock { $0 = thread }
  }

  /// Ends all captures, and the threads. Not to be called on one of them.
  /// - Parameter isLeaving: another has taken over: the path is its.
  func stop(isLeaving: Bool = false) {
    isStopping.store(true, ordering: .releasing)
    listener.stop()
    thread.withLock { thread in
      thread?.join()
      thread = nil
    }
    // Nobody begins any more; who is there ends within a moment, and is then among those that have ended.
    let deadline = ContinuousClock.now + Self.farewellTime
    while state.withLock({ !$0.sessions.isEmpty }) {
      usleep(Self.stopPause)
      // Whoever has not even asked, or holds still, is waited for no longer.
      if deadline < .now { state.withLock { for each in $0.sessions.values { each.session.interrupt() } } }
    }
    reap()
    if !isLeaving { listener.remove() }
  }

  private func run(_ source: any CaptureSource) {
    while !isStopping.load(ordering: .acquiring) {
      do throws(Errno) {
        guard let socket = try listener.accept() else { return }
        reap()
        try begin(CaptureSession(socket, source, log, isStopping: { [self] in isStopping.load(ordering: .acquiring) }))
      } catch {
        // Descriptors may have run out, and come back.
        log.warning("nobody can capture for the moment", metadata: ["error": "\(error)"])
        sleep(1)
      }
    }
  }

  private func begin(_ session: CaptureSession) throws(Errno) {
    let number = state.withLock { state -> Int? in
      guard state.sessions.count < Self.captureCountMax else { return nil }
      state.number += 1
      state.sessions[state.number] = (session, nil)
      return state.number
    }
    guard let number else { return session.refuse("\(Self.captureCountMax) captures are under way, which is the most") }
    do throws(Errno) {
      let thread = try SystemThread(named: "vtep-captured") { [self] in
        session.run()
        end(number)
      }
      state.withLock { state -> Void in
        // It may be over already.
        if state.sessions[number] == nil { state.ended.append(thread) } else { state.sessions[number]?.thread = thread }
      }
    } catch {
      state.withLock { _ = $0.sessions.removeValue(forKey: number) }
      throw error
    }
  }

  private func end(_ number: Int) {
    state.withLock { state in
      if let thread = state.sessions.removeValue(forKey: number)?.thread { state.ended.append(thread) }
    }
  }

  /// Threads that are over, or about to be.
  private func reap() {
    let ended = state.withLock { state in
      defer { state.ended = [] }
      return state.ended
    }
    for thread in ended { thread.join() }
  }
}
