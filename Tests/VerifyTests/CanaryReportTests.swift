import Testing
import VXLAN

@testable import Verify

struct CanaryReportTests {
  private func concluded(
    asked: Int = 18, datagrams: Int, received: Int, dropped: UInt32? = 0, isSealed: Bool = true
  ) -> CanaryReport {
    var report = CanaryReport(vni: 42, interface: "eth0", planted: 36, asked: asked)
    (report.arrived, report.datagrams, report.received, report.dropped) = (asked, datagrams, received, dropped)
    report.conclude(isSealed: isSealed)
    return report
  }

  @Test func `sealed takes a datagram there and one back for each that was asked`() {
    #expect(concluded(datagrams: 36, received: 18).verdict == .sealed)
    #expect(concluded(datagrams: 35, received: 17).verdict == .undecided)
    #expect(concluded(datagrams: 35, received: 18).verdict == .undecided)
    // Broadcasts, a copy for each of many peers, are no answers.
    #expect(concluded(datagrams: 90, received: 0).verdict == .undecided)
    #expect(concluded(datagrams: 18, received: 0, isSealed: false).verdict == .undecided)
  }

  @Test(arguments: [1, nil] as [UInt32?]) func `what nobody captured leaves it undecided`(dropped: UInt32?) {
    #expect(concluded(datagrams: 54, received: 18, dropped: dropped).verdict == .undecided)
  }

  @Test func `who is not behind a peer proves nothing`() {
    var report = concluded(datagrams: 54, received: 18)
    report.disregard([])
    #expect(report.verdict == .sealed)
    report.disregard([IPAddress("10.42.0.9")].compactMap(\.self))
    #expect(report.verdict == .undecided && report.reason == "10.42.0.9 is not behind a peer of the agent")
  }
}
