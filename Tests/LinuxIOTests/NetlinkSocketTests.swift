import Glibc
import Testing
import VXLAN

@testable import LinuxIO

/// These make network namespaces: without CAP_SYS_ADMIN and CAP_NET_ADMIN they fail with EPERM.
@Suite("netlink requests (root)")
struct NetlinkSocketTests {
  private func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }
  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  /// Runs `ip` inside `namespace`.
  private func ip(_ arguments: String, in namespace: borrowing NetworkNamespace) throws {
    let path = try #require(ChildProcess.path(ofProgram: "ip"), "iproute2 is needed")
    let output = try ChildProcessOutput()
    var child = try ChildProcess(
      path, arguments: ["ip"] + arguments.split(separator: " ").map(String.init),
      namespace: namespace.descriptor, output: output.descriptor, error: output.descriptor)
    let exit = try child.wait(until: .now + .seconds(10))
    let text = try output.text()
    try #require(exit == .status(0), "ip \(arguments): \(text)")
  }

  /// The number of the error that `body` ends with, nil without one.
  private func failure(of body: () throws(Errno) -> Void) -> Errno? {
    do throws(Errno) { try body() } catch { return error }
    return nil
  }

  @Test("a pair of devices joins two namespaces, and what is changed is read back")
  func vethBetweenNamespaces() throws {
    let a = try NetworkNamespace.create()
    let b = try NetworkNamespace.create()
    var netlink = try NetlinkSocket()
    try netlink.createVeth(
      named: "left", inNamespace: a.descriptor, peerNamed: "right", peerNamespace: b.descriptor, linkMTU: 1600)
    var inA = try a.run { () throws(Errno) in try NetlinkSocket() }
    var inB = try b.run { () throws(Errno) in try NetlinkSocket() }
    let left = try #require(try inA.link(named: "left"))
    #expect(left.linkMTU == 1600 && left.kind == "veth" && !left.isUp && left.masterIndex == nil)
    #expect(try inA.link(index: left.index) == left)
    #expect(try inB.link(named: "right") != nil && inA.link(named: "right") == nil)

    let mac = try #require(MACAddress("02:00:00:00:00:2a"))
    let change = LinkChange(
      linkMTU: 1400, mac: mac, isUp: true, transmitQueueLength: 77, gsoByteCountMax: 30_000)
    try inA.setLink(index: left.index, change)
    let changed = try #require(try inA.link(named: "left"))
    #expect(changed.linkMTU == 1400 && changed.mac == mac && changed.isUp)
    try inA.setLink(index: left.index, LinkChange(isUp: false))
    let down = try #require(try inA.link(named: "left"))
    #expect(!down.isUp && down.linkMTU == 1400)

    try inA.deleteLink(index: left.index)
    #expect(try inA.link(named: "left") == nil && inB.link(named: "right") == nil)
    #expect(try inA.links().map(\.name).contains("lo"))
  }

  @Test("the queue length and the superframe size reach the device")
  func queueAndSuperframe() throws {
    let namespace = try NetworkNamespace.create()
    try ip("link add d0 type veth peer name e0", in: namespace)
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let device = try #require(try netlink.link(named: "d0"))
    try netlink.setLink(index: device.index, LinkChange(transmitQueueLength: 77, gsoByteCountMax: 30_000))
    let path = try #require(ChildProcess.path(ofProgram: "ip"), "iproute2 is needed")
    let output = try ChildProcessOutput()
    var child = try ChildProcess(
      path, arguments: ["ip", "-d", "link", "show", "d0"], namespace: namespace.descriptor,
      output: output.descriptor, error: output.descriptor)
    _ = try child.wait(until: .now + .seconds(10))
    let text = try output.text()
    #expect(text.contains("qlen 77") && text.contains("gso_max_size 30000"))
  }

  @Test("a bridge keeps the MAC that it is made with, takes ports and lets them go")
  func bridge() throws {
    let namespace = try NetworkNamespace.create()
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let mac = try #require(MACAddress("02:00:00:00:00:99"))
    let bridge = try netlink.createBridge(named: "br0", mac: mac, linkMTU: 1450)
    try netlink.createVeth(
      named: "p0", inNamespace: nil, peerNamed: "p1", peerNamespace: nil, linkMTU: 1450)
    let port = try #require(try netlink.link(named: "p0")).index
    try netlink.setLink(index: port, LinkChange(isUp: true, masterIndex: bridge))
    #expect(try netlink.link(index: port)?.masterIndex == bridge)
    let made = try #require(try netlink.link(index: bridge))
    #expect(made.mac == mac && made.kind == "bridge" && made.linkMTU == 1450)
    try netlink.setLink(index: port, LinkChange(masterIndex: 0))
    #expect(try netlink.link(index: port)?.masterIndex == nil)
  }

  @Test("addresses are usable at once, may be given twice, and are listed for their device only")
  func addresses() throws {
    let namespace = try NetworkNamespace.create()
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let bridge = try netlink.createBridge(named: "br0")
    let other = try netlink.createBridge(named: "br1")
    try netlink.setLink(index: bridge, LinkChange(isUp: true))
    let wanted = [try prefix("10.42.0.1/24"), try prefix("2001:db8::1/64")]
    for _ in 0..<2 {
      for prefix in wanted { try netlink.addAddress(prefix, toLink: bridge) }
    }
    let listed = try netlink.addresses(ofLink: bridge).filter { !$0.address.isIPv6LinkLocal }
    #expect(listed == wanted)
    #expect(try netlink.addresses(ofLink: other).isEmpty)
  }

  @Test("errors carry the call, the name and the kernel's sentence")
  func errorTexts() throws {
    let namespace = try NetworkNamespace.create()
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    _ = try netlink.createBridge(named: "br0")
    let exists = failure { () throws(Errno) in _ = try netlink.createBridge(named: "br0") }
    #expect(exists?.number == EEXIST && exists?.call.contains("br0") == true)
    let index = try #require(try netlink.link(named: "br0")).index
    let tooSmall = failure { () throws(Errno) in try netlink.setLink(index: index, LinkChange(linkMTU: 67)) }
    #expect(tooSmall?.number == EINVAL && tooSmall?.call.hasPrefix("RTM_SETLINK \(index) (mtu ") == true)
    try netlink.setLink(index: index, LinkChange(linkMTU: 68))
    for nonsense in [-1, Int(Int32.max) + 1] {
      let refused = failure { () throws(Errno) in try netlink.setLink(index: index, LinkChange(linkMTU: nonsense)) }
      #expect(refused?.number == EINVAL)
    }
    for name in ["", "sixteen-letters!", "a\0b"] {
      #expect(failure { () throws(Errno) in _ = try netlink.createBridge(named: name) }?.number == EINVAL)
      #expect(try netlink.link(named: name) == nil)
    }
    #expect(try netlink.link(named: "fifteen-letters") == nil)
    #expect(failure { () throws(Errno) in try netlink.deleteLink(index: 0) }?.number == ENODEV)
    #expect(failure { () throws(Errno) in try netlink.setLink(index: 99, LinkChange(isUp: true)) }?.number == ENODEV)
  }

  @Test("a list of 300 devices is read whole")
  func manyLinks() throws {
    let namespace = try NetworkNamespace.create()
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    for number in 0..<150 {
      try netlink.createVeth(
        named: "a\(number)", inNamespace: nil, peerNamed: "b\(number)", peerNamespace: nil, linkMTU: 1500)
    }
    let names = Set(try netlink.links().map(\.name))
    #expect((0..<150).allSatisfy { names.contains("a\($0)") && names.contains("b\($0)") })
  }

  @Test("the MTU of a route is that of its device, or less where the route says so, for each next hop")
  func routeMTU() throws {
    let namespace = try NetworkNamespace.create()
    for command in [
      "link add d0 type veth peer name e0", "link add d1 mtu 1300 type veth peer name e1",
      "link set d0 up", "link set e0 up", "link set d1 up", "link set e1 up",
      "addr add 192.0.2.1/24 dev d0", "addr add 2001:db8::1/64 dev d0 nodad",
      "route add 198.51.100.0/24 via 192.0.2.9",
      "route add 203.0.113.0/25 via 192.0.2.9 mtu 1400", "route add 203.0.113.128/25 via 192.0.2.9 mtu 9000",
      "-6 route add 2001:db8:1::/64 via 2001:db8::9 mtu lock 1350",
      "route add 10.9.0.0/16 nexthop dev d0 nexthop dev d1",
    ] { try ip(command, in: namespace) }
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let own = try address("192.0.2.1")
    for (destination, expected) in [
      ("192.0.2.2", 1500), ("198.51.100.1", 1500), ("203.0.113.1", 1400), ("203.0.113.200", 1500),
      ("10.9.1.1", 1300), ("2001:db8::2", 1500), ("2001:db8:1::2", 1350), ("192.0.2.1", 1500),
    ] {
      let mtu = try netlink.routeMTU(to: try address(destination))
      #expect(mtu == expected, "to \(destination)")
    }
    let device = try #require(try netlink.link(named: "d0"))
    let route = try netlink.route(to: try address("203.0.113.1"), from: own)
    #expect(route.linkIndex == device.index && route.mtuMetric == 1400)
    #expect(try netlink.route(to: try address("10.9.1.1")).linkIndexes.count == 2)
  }

  @Test("routes that refuse packets, missing routes and foreign sources are errors")
  func refusingRoutes() throws {
    let namespace = try NetworkNamespace.create()
    for command in [
      "link add d0 type veth peer name e0", "link set d0 up", "link set e0 up",
      "addr add 192.0.2.1/24 dev d0", "addr add 2001:db8::1/64 dev d0 nodad",
      "route add unreachable 10.1.0.0/16", "route add prohibit 10.2.0.0/16", "route add blackhole 10.3.0.0/16",
      "-6 route add unreachable 2001:db8:1::/64", "-6 route add blackhole 2001:db8:3::/64",
    ] { try ip(command, in: namespace) }
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    for (destination, number) in [
      ("10.1.0.1", EHOSTUNREACH), ("10.2.0.1", EACCES), ("10.3.0.1", EINVAL), ("8.8.8.8", ENETUNREACH),
      ("2001:db8:1::1", EHOSTUNREACH), ("2001:db8:3::1", EINVAL), ("2001:db9::1", ENETUNREACH),
    ] {
      let destination = try address(destination)
      let refused = failure { () throws(Errno) in _ = try netlink.route(to: destination) }
      #expect(refused?.number == number, "\(destination)")
    }
    let (destination, foreign) = (try address("192.0.2.2"), try address("192.0.2.77"))
    #expect(
      failure { () throws(Errno) in _ = try netlink.route(to: destination, from: foreign) }?.number == ENETUNREACH)
    let six = try address("2001:db8::1")
    #expect(
      failure { () throws(Errno) in _ = try netlink.route(to: destination, from: six) }?.number == EAFNOSUPPORT)
  }

  @Test("what path MTU discovery found out does not count")
  func cachedException() throws {
    let host = try NetworkNamespace.create()
    let router = try NetworkNamespace.create()
    let target = try NetworkNamespace.create()
    var netlink = try NetlinkSocket()
    try netlink.createVeth(
      named: "up", inNamespace: host.descriptor, peerNamed: "left", peerNamespace: router.descriptor, linkMTU: 1500)
    try netlink.createVeth(
      named: "right", inNamespace: router.descriptor, peerNamed: "up", peerNamespace: target.descriptor, linkMTU: 1300)
    for command in ["addr add 192.0.2.1/24 dev up", "link set dev up up", "route add default via 192.0.2.2"] {
      try ip(command, in: host)
    }
    for command in [
      "addr add 192.0.2.2/24 dev left", "addr add 198.51.100.2/24 dev right", "link set left up", "link set right up",
    ] { try ip(command, in: router) }
    try router.run { () throws(Errno) in
      let file = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY)
      guard file >= 0 else { throw Errno.current("open(ip_forward)") }
      defer { _ = close(file) }
      guard write(file, "1", 1) == 1 else { throw Errno.current("write(ip_forward)") }
    }
    for command in ["addr add 198.51.100.1/24 dev up", "link set dev up up", "route add default via 198.51.100.2"] {
      try ip(command, in: target)
    }
    let output = try ChildProcessOutput()
    let descriptor = output.descriptor
    for script in ["ping -c 2 -W 1 -M do -s 1400 198.51.100.1", "ip route get 198.51.100.1"] {
      var child = try ChildProcess(
        "/bin/sh", arguments: ["sh", "-c", script], namespace: host.descriptor, output: descriptor, error: descriptor)
      _ = try child.wait(until: .now + .seconds(10))
    }
    let text = try output.text()
    try #require(text.contains("expires") && text.contains("mtu 1300"), "no exception came about: \(text)")
    var inHost = try host.run { () throws(Errno) in try NetlinkSocket() }
    #expect(try inHost.routeMTU(to: try address("198.51.100.1"), from: try address("192.0.2.1")) == 1500)
  }
}
