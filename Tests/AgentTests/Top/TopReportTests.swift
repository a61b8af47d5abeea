import Foundation
import Testing
import VXLAN

@testable import Agent

@Suite("rates of two samples")
struct TopReportTests {
  @Test("a rate is the difference by the time between, bits are eight times bytes")
  func rates() throws {
    let report = TopReport(from: TopSamples.before, to: TopSamples.after, order: TopOrder(.name))
    #expect(report.intervalSeconds == 2 && !report.restarted)
    let first = try #require(report.segments.first)
    #expect(first.vni == 42 && first.rxFrames.perSecond == 1000 && first.rxBits.perSecond == 800_000)
    #expect(first.txFrames.perSecond == 10 && first.txBits.perSecond == 8000)
    #expect(report.peers.map(\.rxBits.perSecond) == [4_000_000, 0])
    #expect(report.peers.map(\.txBits.perSecond) == [0, 1_000_000_000])
    #expect(report.drops.map(\.reason) == ["no-peer", "unknown-vni"], "reasons with a frame, and no others")
    #expect(report.drops.map(\.rate.perSecond) == [20, 0] && report.drops.map(\.frames) == [43, 90])
    #expect(report.drops.map(\.direction) == ["overlay", "underlay"])
  }

  @Test("an agent that started anew has no rates, whatever its counters say")
  func restart() {
    for (uptime, pid) in [(1, Int32(7)), (102, 8)] {
      let next = TopSamples.sample(seconds: 12, uptime: uptime, step: 1, pid: pid)
      let report = TopReport(from: TopSamples.before, to: next)
      #expect(report.restarted)
      let rates = report.segments.flatMap { [$0.rxFrames, $0.rxBits, $0.txFrames, $0.txBits] }
      #expect(rates.count == 8 && rates.allSatisfy { $0.perSecond == nil })
      #expect(report.peers.allSatisfy { $0.rxBits.perSecond == nil } && report.drops[0].rate.perSecond == nil)
    }
  }

  @Test("a counter that goes back has an unknown rate, and the others keep theirs")
  func backwards() {
    var next = TopSamples.after
    next.peers[0].rxBytes = 99
    let report = TopReport(from: TopSamples.before, to: next, order: TopOrder(.name))
    #expect(report.peers[0].rxBits.perSecond == nil && report.peers[1].txBits.perSecond == 1_000_000_000)
    #expect(TopRate(from: 5, to: 5, seconds: 1).perSecond == 0)
    #expect(TopRate(from: 5, to: 6, seconds: 0).perSecond == nil)
    #expect(TopRate(from: 0, to: .max, seconds: 0.1, scale: 8).text != "-")
  }

  @Test("what is new has no rate yet, and what has gone is not listed")
  func changes() {
    var next = TopSamples.after
    next.segments.removeFirst()
    next.segments.append(
      SegmentReport(vni: 7, tap: "vx7", mtu: 1450, sealed: true, fdbEntries: 0, rxFrames: 9, txFrames: 9))
    let report = TopReport(from: TopSamples.before, to: next, order: TopOrder(.name))
    #expect(report.segments.map(\.vni) == [7, 43])
    #expect(report.segments[0].rxFrames.perSecond == nil && report.segments[1].txFrames.perSecond == 2000)
  }

  @Test("JSON has the names of the documentation, null for what is unknown, and comes back as it was")
  func json() throws {
    let report = TopReport(from: nil, to: TopSamples.after)
    let bytes = try ReportJSON.encode(report)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    #expect(
      Set(object.keys) == [
        "interval-seconds", "restarted", "address", "uptime-seconds", "segments", "peers", "drops",
      ])
    let names = { (key: String) in ((object[key] as? [[String: Any]])?.first?.keys).map(Set.init) }
    #expect(
      names("segments") == [
        "vni", "tap", "rx-frames-per-second", "rx-bits-per-second", "tx-frames-per-second", "tx-bits-per-second",
      ])
    #expect(names("peers") == ["name", "address", "session", "rx-bits-per-second", "tx-bits-per-second"])
    #expect(names("drops") == ["reason", "direction", "frames-per-second", "frames"])
    #expect((object["peers"] as? [[String: Any]])?.first?["rx-bits-per-second"] is NSNull)
    #expect(try ReportJSON.decode(TopReport.self, from: bytes) == report)
  }

  @Test(
    "a rate is three digits and a factor",
    arguments: [
      (nil, "-"), (0, "0"), (0.04, "0.0"), (0.5, "0.5"), (1, "1"), (99.9, "99.9"), (99.96, "100"), (999.4, "999"),
      (999.6, "1.00k"), (1234, "1.23k"), (12_345, "12.3k"), (999_499, "999k"), (999_500, "1.00M"), (1e9, "1.00G"),
      (9.41e12, "9.41T"), (1.5e18, "1500000T"),
    ] as [(Double?, String)])
  func text(value: Double?, text: String) {
    #expect(TopRate(perSecond: value).text == text)
  }
}
