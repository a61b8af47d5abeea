import Testing
import VXLAN

@Suite("Overhead")
struct OverheadTests {
  struct Row: Sendable {
    let family: AddressFamily
    let tag: Overhead.SealingTag?
    let total: Int
    let overlayAt1500: Int
  }

  /// The table of the wire format.
  static let table = [
    Row(family: .ipv4, tag: nil, total: 50, overlayAt1500: 1450),
    Row(family: .ipv6, tag: nil, total: 70, overlayAt1500: 1430),
    Row(family: .ipv4, tag: .bytes16, total: 74, overlayAt1500: 1426),
    Row(family: .ipv6, tag: .bytes16, total: 94, overlayAt1500: 1406),
    Row(family: .ipv4, tag: .bytes32, total: 90, overlayAt1500: 1410),
    Row(family: .ipv6, tag: .bytes32, total: 110, overlayAt1500: 1390),
  ]

  @Test("the totals and the overlay MTUs at 1500 are those of the wire format", arguments: table)
  func totals(row: Row) {
    let overhead = Overhead(family: row.family, sealingTag: row.tag)
    #expect(overhead.byteCount == row.total)
    #expect(overhead.overlayMTU(underlayMTU: 1500) == row.overlayAt1500)
  }

  @Test("a passed VLAN tag costs four bytes more", arguments: table)
  func vlan(row: Row) {
    let overhead = Overhead(family: row.family, sealingTag: row.tag, passesVLANTag: true)
    #expect(overhead.byteCount == row.total + 4)
    #expect(overhead.overlayMTU(underlayMTU: 1500) == row.overlayAt1500 - 4)
    #expect(overhead.headers.contains { $0.name == "inner VLAN tag" && $0.byteCount == 4 })
  }

  @Test("every underlay MTU gives underlay minus overhead, or nil under 68", arguments: table, [false, true])
  func everyMTU(row: Row, passesVLANTag: Bool) {
    let overhead = Overhead(family: row.family, sealingTag: row.tag, passesVLANTag: passesVLANTag)
    let total = row.total + (passesVLANTag ? 4 : 0)
    for underlayMTU in -1...65_535 {
      let left = underlayMTU - total
      guard overhead.overlayMTU(underlayMTU: underlayMTU) == (left >= 68 ? left : nil) else {
        Issue.record("\(row) at \(underlayMTU): \(String(describing: overhead.overlayMTU(underlayMTU: underlayMTU)))")
        return
      }
    }
  }

  @Test("one byte under the smallest underlay MTU leaves nothing, the smallest leaves 68", arguments: table)
  func bound(row: Row) {
    let overhead = Overhead(family: row.family, sealingTag: row.tag)
    #expect(overhead.underlayMTUMin == row.total + 68)
    #expect(overhead.overlayMTU(underlayMTU: row.total + 67) == nil)
    #expect(overhead.overlayMTU(underlayMTU: row.total + 68) == 68)
  }

  @Test("a loopback MTU of 65536 and more counts as 65535, and extremes do not trap")
  func huge() {
    let overhead = Overhead(family: .ipv4)
    #expect(overhead.overlayMTU(underlayMTU: 65_536) == 65_485)
    #expect(overhead.overlayMTU(underlayMTU: .max) == 65_485)
    #expect(overhead.overlayMTU(underlayMTU: .min) == nil)
    #expect(overhead.overlayMTU(underlayMTU: 0) == nil)
  }

  @Test("the headers stand in the order of the wire")
  func order() {
    let plain = Overhead(family: .ipv4).headers
    #expect(plain.map(\.name) == ["outer IPv4", "outer UDP", "VXLAN", "inner Ethernet"])
    #expect(plain.map(\.byteCount) == [20, 8, 8, 14])
    let sealed = Overhead(family: .ipv6, sealingTag: .bytes32, passesVLANTag: true).headers
    #expect(
      sealed.map(\.name) == [
        "outer IPv6", "outer UDP", "VXLAN", "session and counter", "inner Ethernet", "inner VLAN tag",
        "authentication tag",
      ])
    #expect(sealed.map(\.byteCount) == [40, 8, 8, 8, 14, 4, 32])
  }
}
