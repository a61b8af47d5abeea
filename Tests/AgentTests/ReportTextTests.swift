import Testing
import VXLAN

@testable import Agent

@Suite("report text")
struct ReportTextTests {
  @Test("a table has an upper-case header, two spaces between columns and none at the end of a line")
  func table() {
    var table = Table([("name", .left), ("n", .right), ("last", .left)])
    table.append(["a", "1", "x"])
    table.append(["longer", "1000", ""])
    #expect(
      table.text == """
        NAME       N  LAST
        a          1  x
        longer  1000  -

        """)
  }

  @Test("the FDB shows a dash for what a local MAC lacks")
  func fdb() {
    var table = ReportText.fdbColumns
    #expect(
      ReportText.fdb(FixedReports().entries, in: &table) == """
        VNI  MAC                PEER  ADDRESS      STATE      AGE
         42  02:00:00:00:00:02  b     192.0.2.2    static      0s
         42  02:00:00:00:00:03  -     -            dynamic  1m15s
          7  02:00:00:00:00:04  c     2001:db8::3  control     3s

        """)
  }

  @Test("peers tell who was never heard")
  func peers() throws {
    #expect(
      ReportText.peers(try FixedReports().peerReports()) == """
        NAME  ADDRESS      SESSION  CIPHER     KEY-AGE  PATH-MTU  PATH-MTU-SOURCE  LAST-RECEIVE  RX-BYTES  TX-BYTES
        b     192.0.2.2    up       aes256gcm     1m1s      1500  probe                      2s       100       200
        c     2001:db8::3  none     -                -      9000  route                   never         0         0

        """)
  }

  @Test("segments are one line each")
  func segments() throws {
    #expect(
      ReportText.segments(try FixedReports().segmentReports(vni: nil)) == """
        VNI  TAP    MTU  SEALED  FDB-ENTRIES  NEIGHBORS  RX-FRAMES  TX-FRAMES
         42  vx42  1450  no                2          3         10         20
          7  vx7   1426  yes               1          0          0          0

        """)
  }

  @Test("drops show the reasons that occurred and the sum, or all")
  func drops() {
    #expect(
      ReportText.drops(.sample, all: false) == """
        REASON       TOTAL  OVERLAY  UNDERLAY
        fragment         1        -         1
        short-frame      2        2         0
        sum              3        2         1

        """)
    #expect(ReportText.drops(.sample, all: true).split(separator: "\n").count == 6)
  }

  @Test("stats are one counter a line, in the order of the contract")
  func stats() {
    let lines = ReportText.stats(.sample).split(separator: "\n")
    #expect(lines[0] == "NAME              TOTAL  OVERLAY  UNDERLAY")
    #expect(lines[1] == "frames-in            14       10         4")
    #expect(lines.last == "kernel-drops          4        3         1")
  }

  @Test("status is a block, with brackets around an IPv6 address")
  func status() throws {
    var report = try FixedReports().statusReport()
    report.address = "2001:db8::1"
    let text = ReportText.status(report)
    #expect(text.hasPrefix("vtep: \(VtepVersion.current)\n  pid: 1234\n  uptime: 1h2m\n  local: [2001:db8::1]:4789\n"))
    #expect(text.hasSuffix("\n\noffload:\n  udp-gro: off\n  udp-gso: on\n"))
    #expect(!text.contains("sealing"))
  }

  @Test("status says where keys are written, and nothing where they are not")
  func keyLog() throws {
    var report = try FixedReports().statusReport()
    #expect(!ReportText.status(report).contains("key-log"))
    report.keyLog = "/var/keys"
    #expect(ReportText.status(report).contains("  key-log: /var/keys (who reads it can read the traffic)\n"))
    let json = String(decoding: try ReportJSON.encode(report), as: UTF8.self)
    #expect(json.contains("\"key-log\":\"/var/keys\""))
  }

  @Test("status has a block about sealing where a segment is sealed, without a secret")
  func sealing() throws {
    var report = try FixedReports().statusReport()
    report.sealing = SealingReport(
      udpPort: 4790, publicKey: SealingSamples.publicKey, ciphers: ["aes256gcm", "chacha20poly1305"],
      hasHardwareAES: true, library: "libsodium 1.0.18", presharedKeys: 1)
    let block = """

      sealing:
        port: 4790
        public key: \(SealingSamples.publicKey)
        ciphers: aes256gcm, chacha20poly1305
        AES in hardware: yes
        library: libsodium 1.0.18
        pre-shared keys: 1

      offload:

      """
    #expect(ReportText.status(report).contains(block))
    let json = String(decoding: try ReportJSON.encode(report), as: UTF8.self)
    #expect(json.contains("\"ciphers\":[\"aes256gcm\",\"chacha20poly1305\"],\"hardware-aes\":true"))
    #expect(try ReportJSON.decode(StatusReport.self, from: Array(json.utf8)) == report)
  }

  @Test("the MTU to a peer tells whose path it is and how that was found")
  func mtu() throws {
    let report = try FixedReports().mtuReport(peer: "b")
    let lines = report.text.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("underlay MTU to b, by the route ") && $0.hasSuffix(" 1500") })
    #expect(lines.last?.hasPrefix("overlay MTU ") == true && lines.last?.hasSuffix(" 1426") == true)
    let json = String(decoding: try ReportJSON.encode(report), as: UTF8.self)
    #expect(json.contains("\"overhead\":74") && json.contains("\"path-source\":\"route\""))
    let plain = try #require(MTUReport(underlayMTU: 1500, overhead: Overhead(family: .ipv4)))
    #expect(!String(decoding: try ReportJSON.encode(plain), as: UTF8.self).contains("peer"))
  }

  @Test(
    "a duration has two units at most",
    arguments: [
      (0, "0s"), (59, "59s"), (60, "1m0s"), (3_599, "59m59s"), (3_600, "1h0m"), (86_399, "23h59m"), (90_000, "1d1h"),
    ])
  func duration(seconds: Int, text: String) {
    #expect(ReportText.duration(seconds) == text)
  }
}
