import LinuxIO
import Testing
import VXLAN

@testable import Agent

/// Asks the routing table of a namespace of its own: without CAP_SYS_ADMIN and CAP_NET_ADMIN these fail.
@Suite("PeerWay (root)")
final class PeerWayTests {
  private let namespace: NetworkNamespace
  private var netlink: NetlinkSocket
  private let device: Int32
  private let local: IPAddress
  private let peer: IPAddress
  private let elsewhere: IPAddress

  /// A device of 1500 bytes with 192.0.2.1/24, and one of 1400 with 198.51.100.1/24.
  init() throws {
    namespace = try NetworkNamespace.create()
    (local, peer, elsewhere) = (
      try #require(IPAddress("192.0.2.1")), try #require(IPAddress("192.0.2.2")),
      try #require(IPAddress("198.51.100.2"))
    )
    netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    device = try netlink.createBridge(named: "under", linkMTU: 1500)
    try netlink.setLink(index: device, LinkChange(isUp: true))
    try netlink.addAddress(try #require(IPPrefix("192.0.2.1/24")), toLink: device)
    let other = try netlink.createBridge(named: "other", linkMTU: 1400)
    try netlink.setLink(index: other, LinkChange(isUp: true))
    try netlink.addAddress(try #require(IPPrefix("198.51.100.1/24")), toLink: other)
  }

  private func way(movedTo present: IPAddress? = nil, isPlainToo: Bool = false, before: PeerWay) -> PeerWay {
    var lookup = UnderlayLookup(local: local)
    return lookup.way(to: peer, movedTo: present, isPlainToo: isPlainToo, before: before, netlink: &netlink)
  }

  @Test("the first reading is no other way, nor the same again; one that was lost and is back is, its loss is not")
  func news() throws {
    let planned = PeerWay(pathMTU: 1500, route: nil, isRead: false)
    let first = way(before: planned)
    #expect(first.route != nil && !first.isOther(than: planned))
    let again = way(before: first)
    #expect(again == first && !again.isOther(than: first))
    try netlink.setLink(index: device, LinkChange(isUp: false))
    let gone = way(before: again)
    #expect(gone != again && gone.route == nil && gone.pathMTU == 1500 && !gone.isOther(than: again))
    try netlink.setLink(index: device, LinkChange(isUp: true))
    #expect(way(before: gone).isOther(than: gone))
  }

  @Test("a peer that has moved has the MTU of the way to where it is; with plain segments the less of both ways")
  func moved() throws {
    let first = way(before: PeerWay(pathMTU: 1500, route: nil, isRead: false))
    let there = way(movedTo: elsewhere, before: first)
    #expect(first.pathMTU == 1500 && there.pathMTU == 1400 && there.isOther(than: first))
    try netlink.setLink(index: device, LinkChange(linkMTU: 1300))
    #expect(way(movedTo: elsewhere, before: there).pathMTU == 1400)
    #expect(way(movedTo: elsewhere, isPlainToo: true, before: there).pathMTU == 1300)
  }
}
