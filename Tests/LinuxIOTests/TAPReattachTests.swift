import Glibc
import Testing

@testable import LinuxIO

/// Real devices in namespaces of their own: without CAP_SYS_ADMIN and CAP_NET_ADMIN, and without /dev/net/tun,
/// these fail.
@Suite("TAPDevice.reattach (root)")
final class TAPReattachTests {
  private let namespace: NetworkNamespace

  init() throws { namespace = try NetworkNamespace.create() }

  @Test("attaching again is no failure and keeps the device that is attached")
  func twice() throws {
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let tap = try namespace.run { () throws(Errno) in try TAPDevice(named: "t0") }
    let first = try #require(try netlink.link(named: "t0"))
    #expect(try namespace.run { () throws(Errno) in try tap.reattach() } == false)
    #expect(try netlink.link(named: "t0")?.index == first.index)
    try netlink.deleteLink(index: first.index)
    #expect(try namespace.run { () throws(Errno) in try tap.reattach() } == true)
    let second = try #require(try netlink.link(named: "t0"))
    #expect(second.index != first.index)
    #expect(try namespace.run { () throws(Errno) in try tap.reattach() } == false)
    #expect(try netlink.link(named: "t0")?.index == second.index)
  }

  @Test("a device that goes again before its offloads are set fails as gone, and has them all when it is back")
  func goneAgain() throws {
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let steering = FlowSteering(queueCount: 2)
    let tap = try namespace.run { () throws(Errno) in try TAPDevice(named: "t0", steering: steering) }
    func states() -> [String] {
      [tap.offloads.steering.text, tap.offloads.reading.text, tap.offloads.readingUDP.text, tap.offloads.writing.text]
    }
    let before = states()
    try netlink.deleteLink(index: try #require(try netlink.link(named: "t0")).index)
    let error = #expect(throws: Errno.self) { try tap.setOffloads() }
    #expect(error?.number == EBADFD && states() == before && before.contains("on"))
    #expect(try namespace.run { () throws(Errno) in try tap.reattach() } == true)
    #expect(states() == before)
  }

  @Test("while another has the name it fails as busy, and works once the name is free")
  func busy() throws {
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let tap = try namespace.run { () throws(Errno) in try TAPDevice(named: "t0") }
    try netlink.deleteLink(index: try #require(try netlink.link(named: "t0")).index)
    do {
      let other = try namespace.run { () throws(Errno) in try TAPDevice(named: "t0") }
      #expect(throws: Errno(EBUSY, "TUNSETIFF")) { try self.namespace.run { () throws(Errno) in try tap.reattach() } }
      #expect(other.name == "t0")
    }
    #expect(try namespace.run { () throws(Errno) in try tap.reattach() } == true)
  }
}
