import LinuxIO
import Testing
import VXLAN

@testable import Agent

/// Asks the routing table of a namespace of its own: without CAP_SYS_ADMIN and CAP_NET_ADMIN these fail.
@Suite("UnderlayLookup (root)")
final class UnderlayLookupTests {
  private let namespace: NetworkNamespace
  private let local: IPAddress

  /// A device of 1500 bytes with 192.0.2.1/24.
  init() throws {
    namespace = try NetworkNamespace.create()
    local = try #require(IPAddress("192.0.2.1"))
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let device = try netlink.createBridge(named: "under", linkMTU: 1500)
    try netlink.setLink(index: device, LinkChange(isUp: true))
    try netlink.addAddress(try #require(IPPrefix("192.0.2.1/24")), toLink: device)
  }

  @Test("each peer is asked about once, with a route or without, and so is the own device")
  func once() throws {
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    var lookup = UnderlayLookup(local: local)
    let near = Configuration.Peer(name: "b", address: try #require(IPAddress("192.0.2.2")))
    let far = Configuration.Peer(name: "c", address: try #require(IPAddress("198.51.100.1")))
    for _ in 0..<10 {
      let found = try UnderlayMTU.find(for: [near, far], in: &lookup, netlink: &netlink)
      #expect(found.byteCount == 1500)
    }
    #expect(lookup.questionCount == 3)
    _ = try UnderlayMTU.find(for: [near], in: &lookup, netlink: &netlink)
    #expect(lookup.questionCount == 3)
  }
}
