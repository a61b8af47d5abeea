import Testing
import VXLAN

@testable import Agent

@Suite("Flood watch")
struct FloodWatchTests {
  private let start = Instant(nanoseconds: 1_000_000_000_000)

  @Test("a storm is told of at once, then every ten seconds with what has come since, and to its last frame")
  func storm() {
    var watch = FloodWatch()
    #expect(watch.isDue(hasNews: true, now: start) && !watch.isDue(hasNews: false, now: start))
    var told: [UInt64] = []
    for second in 0..<40 as Range<UInt64> {
      let now = start + .seconds(Int(second))
      guard watch.isDue(hasNews: second < 25, now: now) else { continue }
      watch.beginLook()
      #expect(watch.storm(ofSegment: 1, total: 0, now: now) == nil)
      if let count = watch.storm(ofSegment: 0, total: 100 * min(second + 1, 25), now: now) { told.append(count) }
    }
    #expect(told == [100, 1000, 1000, 400])
    #expect(watch.next == nil, "and then nobody looks any more")
  }

  @Test("what was told of a segment that has left is not taken from what is told of the next in its slot")
  func forgetting() {
    var watch = FloodWatch()
    let now = Instant(nanoseconds: 60_000_000_000)
    #expect(watch.storm(ofSegment: 3, total: 100, now: now) == 100)
    watch.forget(segment: 3)
    #expect(watch.storm(ofSegment: 3, total: 5, now: now) == 5)
  }
}
