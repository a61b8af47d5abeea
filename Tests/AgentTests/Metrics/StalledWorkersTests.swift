import Dataplane
import Synchronization
import TestKit
import Testing

@testable import Agent

@Suite("workers that do not go on")
struct StalledWorkersTests {
  /// A worker that counts when it is nudged, unless it hangs.
  private final class TestWorker: Sendable {
    private let state = Mutex((count: UInt64(7), hangs: false))

    func subject(_ number: Int) -> Watchdog.Subject {
      Watchdog.Subject(
        number: number,
        progress: { WorkerProgress(stepCount: self.state.withLock { $0.count }, isAsleep: true) },
        nudge: { self.state.withLock { state in state.count += state.hangs ? 0 : 1 } })
    }

    func hang(_ hangs: Bool) { state.withLock { $0.hangs = hangs } }
  }

  private let workers = (0..<3).map { _ in TestWorker() }

  private func stalled(within time: Duration) -> [Int] {
    Watchdog.Subject.stalled(workers.enumerated().map { $1.subject($0) }, within: time)
  }

  @Test("those that go on are not waited for")
  func progress() {
    let watch = Stopwatch()
    for _ in 0..<3 { #expect(stalled(within: .seconds(20)) == []) }
    #expect(watch.elapsed < .seconds(10))
  }

  @Test("one that does not is named when the time is over, and not any more when it goes on")
  func one() {
    workers[1].hang(true)
    let start = ContinuousClock.now
    #expect(stalled(within: .milliseconds(50)) == [1])
    #expect(start.duration(to: .now) >= .milliseconds(50))
    workers[1].hang(false)
    #expect(stalled(within: .seconds(20)) == [])
  }

  @Test("without workers nobody is named")
  func none() { #expect(Watchdog.Subject.stalled([], within: .seconds(20)) == []) }
}
