import Foundation
import Testing

@testable import Agent

@Suite("reports")
struct ReportTests {
  private func text(_ report: some Encodable) throws -> String {
    String(decoding: try ReportJSON.encode(report), as: UTF8.self)
  }

  private func object(_ report: some Encodable) throws -> [String: Any] {
    let value = try JSONSerialization.jsonObject(with: Data(try ReportJSON.encode(report)))
    return try #require(value as? [String: Any])
  }

  @Test("an FDB entry has the names of the contract, and a local MAC no peer")
  func fdb() throws {
    let entries = FixedReports().entries
    #expect(
      try text(entries[0]) == """
        {"address":"192.0.2.2","age-seconds":0,"mac":"02:00:00:00:00:02","peer":"b","state":"static","vni":42}

        """)
    #expect(
      try text(entries[1]) == """
        {"age-seconds":75,"mac":"02:00:00:00:00:03","state":"dynamic","vni":42}

        """)
  }

  @Test("a peer that was never heard has null, not a missing key")
  func peer() throws {
    let peers = try FixedReports().peerReports()
    #expect(
      try text(peers[1]) == """
        {"address":"2001:db8::3","cipher":null,"endpoint":null,"key-age-seconds":null,"last-receive-seconds":null,\
        "name":"c","path-mtu":9000,"path-mtu-source":"route","rx-bytes":0,"session":"none","tx-bytes":0}

        """)
    #expect(try text(peers[0]).contains("\"last-receive-seconds\":2,"))
    #expect(
      try text(peers[0]).hasPrefix(
        "{\"address\":\"192.0.2.2\",\"cipher\":\"aes256gcm\",\"endpoint\":\"192.0.2.2:4790\",\"key-age-seconds\":61,"))
  }

  @Test("a segment has the names of the contract")
  func segment() throws {
    let keys = try object(FixedReports().segmentReports(vni: nil)[0]).keys
    #expect(
      Set(keys) == [
        "vni", "tap", "mtu", "sealed", "fdb-entries", "fdb-moves", "fdb-flapping", "fdb-refused", "neighbors",
        "rx-frames", "tx-frames", "rx-bytes", "tx-bytes",
      ])
  }

  @Test("stats are the sums, then each direction as an object with the same names")
  func stats() throws {
    let names: Set<String> = [
      "frames-in", "frames-out", "drops", "consumed", "waiting", "generated", "flood-copies", "flood-copy-drops",
      "kernel-drops",
    ]
    let report = try object(StatsReport.sample)
    #expect(Set(report.keys) == names.union(["overlay", "underlay", "batches"]))
    let overlay = try #require(report["overlay"] as? [String: Int])
    let underlay = try #require(report["underlay"] as? [String: Int])
    #expect(Set(overlay.keys) == names)
    #expect(Set(underlay.keys) == names)
    for name in names {
      #expect(report[name] as? Int == (overlay[name] ?? 0) + (underlay[name] ?? 0), "\(name)")
    }
    #expect(report["frames-in"] as? Int == 14)
    #expect(Set(FrameCounts().named.map(\.name)) == names)
  }

  @Test("the identity is judged")
  func identity() {
    #expect(StatsReport.sample.total.isBalanced)
    var counts = FrameCounts()
    counts.framesIn = 1
    #expect(!counts.isBalanced)
    counts.waiting = 1
    #expect(counts.isBalanced)
  }

  @Test("drops keep every reason, and a direction holds what can occur in it")
  func drops() throws {
    #expect(
      try text(DropsReport.sample) == """
        {"fragment":1,"no-peer":0,"overlay":{"no-peer":0,"short-frame":2,"vlan-tag":0},"short-frame":2,\
        "underlay":{"fragment":1,"short-frame":0,"vlan-tag":0},"vlan-tag":0}

        """)
  }

  @Test("status has its version from the one constant, and slashes are not escaped")
  func status() throws {
    #expect(
      try text(FixedReports().statusReport()) == """
        {"address":"192.0.2.1","offload":{"udp-gro":"off","udp-gso":"on"},"peers":2,"pid":1234,"port":4789,\
        "segments":2,"socket":"/run/vtep/control.sock","uptime-seconds":3725,"version":"\(VtepVersion.current)",\
        "worker-frames":[7,8],"workers":2}

        """)
  }

  @Test("what is encoded is decoded to the same, counters up to 2^64 - 1")
  func roundTrip() throws {
    var stats = StatsReport.sample
    stats.overlay.framesIn = .max
    stats.underlay.framesIn = 0
    #expect(try ReportJSON.decode(StatsReport.self, from: ReportJSON.encode(stats)) == stats)
    let drops = DropsReport.sample
    #expect(try ReportJSON.decode(DropsReport.self, from: ReportJSON.encode(drops)) == drops)
    let peers = try FixedReports().peerReports()
    #expect(try ReportJSON.decode([PeerReport].self, from: ReportJSON.encode(peers)) == peers)
    let status = try FixedReports().statusReport()
    #expect(try ReportJSON.decode(StatusReport.self, from: ReportJSON.encode(status)) == status)
  }
}
