import Dataplane
import Logging
import Synchronization
import Testing
import VXLAN

@testable import Agent

@Suite("Watchdog")
struct WatchdogTests {
  /// Workers in the hands of the test: one that sleeps counts when it is nudged, unless it is held.
  private final class Bench {
    var counts: [UInt64]
    var held: Set<Int> = []
    var told = 0

    init(_ count: Int) { counts = Array(repeating: 7, count: count) }

    func watchdog() -> Watchdog {
      let subjects = counts.indices.map { number in
        Watchdog.Subject(
          number: number,
          progress: { [self] in WorkerProgress(stepCount: counts[number], isAsleep: !held.contains(number)) },
          nudge: { [self] in if !held.contains(number) { counts[number] += 1 } })
      }
      return Watchdog(
        interval: .seconds(5), subjects: subjects, now: .init(nanoseconds: 0), log: Logger(label: "test"),
        tell: { [self] in told += 1 })
    }
  }

  private func turn(_ watchdog: inout Watchdog, _ seconds: UInt64) -> Duration {
    watchdog.turn(now: Instant(nanoseconds: seconds * 1_000_000_000))
  }

  @Test("it tells once in every interval, however often it is called, and says when it wants to be called again")
  func interval() {
    let bench = Bench(2)
    var watchdog = bench.watchdog()
    #expect(turn(&watchdog, 1) == .seconds(4) && bench.told == 0)
    #expect(turn(&watchdog, 5) == .seconds(5) && bench.told == 1)
    #expect(turn(&watchdog, 6) == .seconds(4) && bench.told == 1)
    #expect(turn(&watchdog, 12) == .seconds(5) && bench.told == 2)
    // A main thread that was held up for long owes none.
    #expect(turn(&watchdog, 60) == .seconds(5) && bench.told == 3)
  }

  @Test("one worker that does not go on is enough for silence, until it goes on", arguments: 0..<3)
  func stalled(number: Int) {
    let bench = Bench(3)
    var watchdog = bench.watchdog()
    _ = turn(&watchdog, 5)
    bench.held = [number]
    // It was nudged before it was held.
    _ = turn(&watchdog, 10)
    #expect(bench.told == 2)
    for round in 3...6 {
      _ = turn(&watchdog, UInt64(round) * 5)
      #expect(bench.told == 2, "told in round \(round)")
    }
    bench.held = []
    bench.counts[number] += 1
    _ = turn(&watchdog, 35)
    #expect(bench.told == 3)
  }
}
