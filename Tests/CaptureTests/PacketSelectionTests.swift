import Testing
import TestKit
import VXLAN

@testable import Capture

@Suite("Which packets are wanted")
struct PacketSelectionTests {
  private func isWanted(_ packet: [UInt8], _ set: (PacketSelection) throws -> Void) rethrows -> Bool {
    let selection = PacketSelection()
    try set(selection)
    return shown(packet, selection: selection) != nil
  }

  @Test("those of a segment")
  func segments() {
    #expect(isWanted(Datagrams.plain(vni: 42)) { $0.vnis = [VNI(unchecked: 42), VNI(unchecked: 43)] })
    #expect(!isWanted(Datagrams.plain(vni: 44)) { $0.vnis = [VNI(unchecked: 42), VNI(unchecked: 43)] })
    // What has no VNI is of no segment.
    let unknown = Datagrams.ethernet(Datagrams.ip([8, 0], to: 4790))
    #expect(isWanted(unknown) { _ in })
    #expect(!isWanted(unknown) { $0.vnis = [VNI(unchecked: 0)] })
  }

  @Test("those from or to a peer")
  func peers() throws {
    for (address, isOne) in [("192.0.2.1", true), ("192.0.2.2", true), ("192.0.2.3", false), ("2001:db8::1", false)] {
      let peer = try #require(IPAddress(address))
      #expect(isWanted(Datagrams.plain()) { $0.peers = [peer] } == isOne, "\(address)")
    }
  }

  @Test("those to other ports")
  func ports() {
    let packet = Datagrams.ethernet(Datagrams.ip(Frames.vxlan(vni: 42, Datagrams.frame), to: 8472))
    #expect(!isWanted(packet) { _ in })
    #expect(isWanted(packet) { $0.ports.plain = 8472 })
    #expect(isWanted(packet) { $0.ports.sealed = 8472 })
  }

  @Test("those that libpcap's filters let pass, the outer packet and the inner frame by themselves")
  func filters() throws {
    for (expression, outer, inner) in [
      ("udp port 4789", true, false), ("arp", false, true), ("arp host 10.99.0.3", false, true),
      ("ether src 02:00:00:00:00:01", true, false), ("less 50", false, true), ("not arp", true, false),
    ] {
      let filter = try PacketFilter(expression, linkType: .ethernet)
      #expect(isWanted(Datagrams.plain()) { $0.outerFilter = filter } == outer, "\(expression)")
      #expect(isWanted(Datagrams.plain()) { $0.innerFilter = filter } == inner, "\(expression)")
    }
    // Of a sealed datagram nobody knows the frame.
    let sealed = Datagrams.ethernet(Datagrams.ip([0x0C, 0, 0, 0xFE] + [UInt8](repeating: 0, count: 60), to: 4790))
    let anything = try PacketFilter("greater 1", linkType: .ethernet)
    #expect(isWanted(sealed) { _ in })
    #expect(!isWanted(sealed) { $0.innerFilter = anything })
  }

  @Test("and a filter that is none is refused with libpcap's word")
  func refused() throws {
    let error = #expect(throws: CaptureError.self) { _ = try PacketFilter("vxlan 42", linkType: .ethernet) }
    #expect(error?.message.hasPrefix("the filter \"vxlan 42\" is refused: ") == true)
  }
}
