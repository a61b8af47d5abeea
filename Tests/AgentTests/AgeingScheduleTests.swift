import Testing
import VXLAN

@testable import Agent

@Suite("AgeingSchedule")
struct AgeingScheduleTests {
  private let start = Instant(nanoseconds: 5_000_000_000)

  @Test("a segment is scanned every tenth of its ageing time, and not a nanosecond before")
  func tenth() {
    var schedule = AgeingSchedule([.seconds(20)], now: start)
    #expect(schedule.next == start + .seconds(2))
    #expect(schedule.due(now: Instant(nanoseconds: 6_999_999_999)).isEmpty)
    #expect(schedule.due(now: start + .seconds(2)) == [0])
    #expect(schedule.due(now: start + .seconds(2)).isEmpty && schedule.next == start + .seconds(4))
  }

  @Test("ageing times of 100 s and more are scanned every 10 s, shorter ones more often")
  func longest() {
    for (ageingTime, interval) in [(99, 9_900), (100, 10_000), (101, 10_000), (31_536_000, 10_000), (1, 100)] {
      let schedule = AgeingSchedule([.seconds(ageingTime)], now: start)
      #expect(schedule.next == start + .milliseconds(interval))
    }
  }

  @Test("a segment whose entries do not age is due every 10 s, for what else is kept of it; none never")
  func withoutAgeing() {
    var schedule = AgeingSchedule([.zero, .zero], now: start)
    #expect(schedule.next == start + .seconds(10) && schedule.due(now: start + .seconds(10)) == [0, 1])
    var empty = AgeingSchedule([], now: start)
    #expect(empty.next == nil && empty.due(now: Instant(nanoseconds: .max)).isEmpty)
  }

  @Test("segments keep their own turns, and their slots")
  func several() {
    var schedule = AgeingSchedule([.seconds(10), .zero, .seconds(300), .seconds(10)], now: start)
    #expect(schedule.next == start + .seconds(1))
    #expect(schedule.due(now: start + .seconds(1)) == [0, 3])
    #expect(schedule.due(now: start + .seconds(10)) == [0, 1, 2, 3])
    #expect(schedule.next == start + .seconds(11))
  }

  @Test("turns that were missed, as in a long sleep, are made up for by one")
  func missed() {
    var schedule = AgeingSchedule([.seconds(10)], now: start)
    #expect(schedule.due(now: start + .seconds(1000)) == [0])
    #expect(schedule.due(now: start + .seconds(1000)).isEmpty && schedule.next == start + .seconds(1001))
  }

  @Test("segments that stay keep their turn, those with another ageing time and new ones begin anew, others are gone")
  func following() {
    let start = Instant(nanoseconds: 0)
    var schedule = AgeingSchedule([.seconds(20), .seconds(20), .seconds(20)], now: start)
    let later = start + .seconds(1)
    schedule.follow([(0, .seconds(20)), (1, .seconds(40)), (7, .seconds(20))], now: later)
    #expect(schedule.due(now: start + .seconds(2)) == [0])
    #expect(schedule.due(now: start + .seconds(3)) == [7])
    #expect(schedule.due(now: start + .milliseconds(3_900)) == [])
    #expect(schedule.due(now: start + .seconds(5)) == [0, 1, 7])
  }
}
