import Foundation
import Synchronization
import Testing

@testable import Agent

@Suite("events for those who listen")
struct EventHistoryTests {
  private static func reports(_ numbers: Range<Int>) -> [EventReport] {
    numbers.map { EventReport(time: "t", event: "learned", vni: UInt32($0)) }
  }

  @Test("a listener starts at the end and hears each event once, in order")
  func order() {
    let history = EventHistory()
    history.append(Self.reports(0..<5), lostCount: 0)
    var next = history.events(after: nil, withDrops: false).next
    #expect(next == 5 && history.events(after: next, withDrops: false).events.isEmpty)
    history.append(Self.reports(5..<2000), lostCount: 0)
    var heard: [EventReport] = []
    while true {
      let report = history.events(after: next, withDrops: false)
      guard !report.events.isEmpty else { break }
      #expect(report.lost == 0 && report.events.count <= EventHistory.answerCountMax)
      heard += report.events
      next = report.next
    }
    #expect(heard == Self.reports(5..<2000))
  }

  @Test("what is too old or found no place is counted as lost, exactly")
  func lost() {
    let history = EventHistory()
    history.append(Self.reports(0..<3), lostCount: 7)
    let first = history.events(after: 0, withDrops: false)
    #expect(first.events.count == 3 && first.lost == 7 && first.next == 10)
    history.append([], lostCount: 4)
    #expect(history.events(after: 10, withDrops: false) == EventsReport(events: [], next: 14, lost: 4))
    for _ in 0..<20 { history.append(Self.reports(0..<1000), lostCount: 0) }
    var next: UInt64 = 14
    var (heardCount, lostCount) = (0, UInt64(0))
    while next < 20_014 {
      let report = history.events(after: next, withDrops: false)
      heardCount += report.events.count
      lostCount += report.lost
      next = report.next
    }
    #expect(UInt64(heardCount) + lostCount == 20_000)
    #expect(heardCount == EventHistory.eventCountMax, "neither more nor fewer are kept")
  }

  @Test("who comes with a number of the agent before this one hears all that there is")
  func successor() {
    let history = EventHistory()
    history.append(Self.reports(0..<3), lostCount: 0)
    let report = history.events(after: 5_000, withDrops: false)
    #expect(report == EventsReport(events: Self.reports(0..<3), next: 3, lost: 0))
  }

  @Test("drops are told to those who want them, and are no gap for the others")
  func drops() {
    let asked = Mutex<[Bool]>([])
    let history = EventHistory { wantsDrops in asked.withLock { $0.append(wantsDrops) } }
    let drop = EventReport(time: "t", event: EventReport.drop, vni: 1)
    history.append(Self.reports(0..<2), lostCount: 0)
    history.append(drops: [drop, drop], untoldCount: 7)
    history.append(Self.reports(2..<3), lostCount: 0)
    let without = history.events(after: 0, withDrops: false)
    #expect(without.events == Self.reports(0..<3) && without.lost == 0 && without.next == 5)
    #expect(without.untoldDrops == nil && !history.hasListener(toDrops: true))
    let with = history.events(after: 0, withDrops: true)
    #expect(with.events.count == 5 && with.untoldDrops == 7 && history.hasListener(toDrops: true))
    #expect(asked.withLock { $0 } == [false, true])
  }

  @Test("somebody listens for some seconds after asking, and not before")
  func listening() {
    let history = EventHistory()
    #expect(!history.hasListener(now: 0))
    _ = history.events(after: nil, withDrops: false)
    #expect(history.hasListener() && !history.hasListener(now: .max / 2))
  }

  @Test("a request for what has not happened waits for it, and others are answered meanwhile")
  func waiting() throws {
    let directory = try ControlTestDirectory()
    let history = EventHistory()
    let api = ControlAPI(source: FixedReports(), events: history)
    let server = try startControlServer(directory.socket) { api.answer($0) }
    defer { server.stop() }
    let client = try ControlClient(socketPath: directory.socket, deadline: .seconds(20))
    let answer = Mutex<EventsReport?>(nil)
    let done = DispatchSemaphore(value: 0)
    let listener = Thread {
      let bytes = try? client.get("/v1/events?after=0")
      answer.withLock { $0 = bytes.flatMap { try? ReportJSON.decode(EventsReport.self, from: $0) } }
      done.signal()
    }
    listener.start()
    while !history.hasListener() { usleep(1000) }
    #expect(try !client.get("/v1/status").isEmpty)
    #expect(answer.withLock { $0 } == nil)
    history.append(Self.reports(0..<1), lostCount: 0)
    done.wait()
    #expect(answer.withLock { $0 } == EventsReport(events: Self.reports(0..<1), next: 1, lost: 0))
    #expect(throws: ControlError.self) { try client.get("/v1/events?after=x") }
    #expect(throws: ControlError.self) { try client.get("/v1/events?vni=42") }
  }
}
