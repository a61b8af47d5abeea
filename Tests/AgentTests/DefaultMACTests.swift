import Testing
import VXLAN

@testable import Agent

@Suite("DefaultMAC")
struct DefaultMACTests {
  /// Computed by an implementation of SipHash-1-3 of our own in another language. They are never to change: a host
  /// keeps its addresses over an update.
  private static let known = [
    ("192.0.2.1", 42, "ee:f1:73:53:17:be"), ("192.0.2.1", 0, "82:85:a3:c4:21:cb"),
    ("192.0.2.2", 42, "06:75:ad:04:ad:9e"),
    ("2001:db8::1", 42, "32:6a:6a:1d:11:93"), ("::c000:201", 42, "3e:8c:1c:fe:cc:15"),
  ]

  @Test("the address of a host and a segment is the same for ever", arguments: known)
  func stable(local: String, vni: Int, mac: String) throws {
    let address = DefaultMAC.address(local: try #require(IPAddress(local)), vni: try #require(VNI(vni)))
    #expect(address == MACAddress(mac))
  }

  @Test("hosts and segments have different addresses, all local, none a group")
  func different() throws {
    var seen: Set<MACAddress> = []
    for host: UInt32 in 0..<100 {
      for number in [0, 1, 2, 256, 65_536, 16_777_215] {
        let mac = DefaultMAC.address(local: IPAddress(ipv4: 0xC000_0200 + host), vni: try #require(VNI(number)))
        #expect(mac.isValidSource && mac.rawValue >> 40 & 0x03 == 0x02)
        seen.insert(mac)
      }
    }
    #expect(seen.count == 600)
  }
}
