import Testing
import VXLAN

@testable import Agent

@Suite("When routes are read again")
struct PathScheduleTests {
  private let start = Instant(nanoseconds: 1_000_000_000)

  @Test("the first news are followed at once, and without news there is a look within 30 s")
  func firstNews() {
    let schedule = PathSchedule(now: start)
    #expect(schedule.next(hasNews: true) == start)
    #expect(schedule.next(hasNews: false) == start + .seconds(30))
  }

  @Test("news that follow a short reading wait 50 ms and no longer")
  func joinedNews() {
    var schedule = PathSchedule(now: start)
    let end = start + .milliseconds(1)
    schedule.note(start: start, end: end)
    #expect(schedule.next(hasNews: true) == end + .milliseconds(50))
    #expect(schedule.next(hasNews: false) == end + .seconds(30))
  }

  @Test("a reading of 20 ms is followed by 200 ms of rest, one of a second by two seconds")
  func costlyReading() {
    var schedule = PathSchedule(now: start)
    let end = start + .milliseconds(20)
    schedule.note(start: start, end: end)
    #expect(schedule.next(hasNews: true) == end + .milliseconds(200))
    schedule.note(start: start, end: start + .seconds(1))
    #expect(schedule.next(hasNews: true) == start + .seconds(3))
  }

  @Test("somebody is woken by the first of several news, and again by those after the reading began")
  func news() {
    let news = PathNews()
    #expect(!news.isWaiting)
    #expect(news.note())
    #expect(!news.note() && news.isWaiting)
    news.take()
    #expect(!news.isWaiting)
    #expect(news.note())
  }
}
