import Dataplane
import Dispatch
import Synchronization

/// Workers that stand still between two batches, until they are let go or the process ends.
///
/// What comes meanwhile waits in the kernel's queues. While they stand, nothing that the workers may look at is given
/// back, so this is not for long.
final class PausedWorkers: Sendable {
  /// What each had counted when it stopped, by number.
  let counters: [CounterSnapshot]
  private let gate: Gate

  private final class Gate: Sendable {
    let arrivals = DispatchSemaphore(value: 0)
    let departure = DispatchSemaphore(value: 0)
    let counters: Mutex<[CounterSnapshot?]>

    init(count: Int) {
      counters = Mutex(Array(repeating: nil, count: count))
    }

    func open(count: Int) { for _ in 0..<count { departure.signal() } }
  }

  /// Stops all. Nil, and all go on, when one is held up for longer than `time`.
  init?(_ workers: [Worker], within time: DispatchTimeInterval = .seconds(2)) {
    let gate = Gate(count: workers.count)
    self.gate = gate
    for (index, worker) in workers.enumerated() {
      worker.post { engine in
        let snapshot = engine.snapshot()
        gate.counters.withLock { $0[index] = snapshot }
        gate.arrivals.signal()
        gate.departure.wait()
      }
    }
    let deadline = DispatchTime.now() + time
    let haveArrived = workers.allSatisfy { _ in gate.arrivals.wait(timeout: deadline) == .success }
    counters = gate.counters.withLock { $0.compactMap { $0 } }
    guard haveArrived, counters.count == workers.count else {
      gate.open(count: workers.count)
      return nil
    }
  }

  /// Lets all go on. Once.
  func resume() { gate.open(count: counters.count) }
}
