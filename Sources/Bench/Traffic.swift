import LinuxIO
import Synchronization

/// What traffic has done so far; its threads add, the one that measures reads.
final class TrafficTally: Sendable {
  private let isStopped = Atomic<Bool>(false)
  private let sent = Atomic<Int>(0)
  private let arrived = Atomic<Int>(0)
  private let arrivedBytes = Atomic<Int>(0)
  private let failure = Mutex<Errno?>(nil)

  /// Whether the threads are to end.
  var isStopping: Bool { isStopped.load(ordering: .relaxed) }
  /// Datagrams that were sent.
  var sentCount: Int { sent.load(ordering: .relaxed) }
  /// Datagrams, or for TCP reads, that arrived.
  var arrivedCount: Int { arrived.load(ordering: .relaxed) }
  /// Bytes of payload that arrived.
  var arrivedByteCount: Int { arrivedBytes.load(ordering: .relaxed) }
  /// Why a thread ended early, the first of them.
  var firstFailure: Errno? { failure.withLock { $0 } }

  func addSent(_ count: Int) {
    sent.add(count, ordering: .relaxed)
  }

  func addArrived(_ count: Int, byteCount: Int) {
    arrived.add(count, ordering: .relaxed)
    arrivedBytes.add(byteCount, ordering: .relaxed)
  }

  func stop() {
    isStopped.store(true, ordering: .relaxed)
  }

  func note(_ error: Errno) {
    failure.withLock { failure in
      if failure == nil { failure = error }
    }
  }
}

/// Traffic on threads of its own, from its making until the end of the value's life at the latest.
struct Traffic: ~Copyable {
  let tally = TrafficTally()
  private var threads: [SystemThread] = []

  /// Nothing runs yet.
  init() {}

  deinit {
    tally.stop()
    for thread in threads { thread.join() }
  }

  /// Starts a thread that runs `body` once. It must end soon after `isStopping`.
  mutating func run(
    _ name: String, _ body: @escaping @Sendable (TrafficTally) throws(Errno) -> Void
  ) throws(Errno) {
    let tally = tally
    threads.append(
      try SystemThread(named: name) {
        do throws(Errno) { try body(tally) } catch { tally.note(error) }
      })
  }

  /// Ends all threads and waits for them.
  /// - Throws: why one of them ended early.
  mutating func stop() throws(Errno) {
    tally.stop()
    for thread in threads { thread.join() }
    threads = []
    if let failure = tally.firstFailure { throw failure }
  }
}
