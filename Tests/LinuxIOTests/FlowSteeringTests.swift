import Glibc
import TestKit
import Testing
import VXLAN

@testable import LinuxIO

/// Real devices and sockets in a namespace of their own: without CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_BPF these fail.
@Suite("FlowSteering (root)")
final class FlowSteeringTests {
  /// One frame of each direction of a flow.
  struct Flow: CustomStringConvertible {
    let description: String
    let there: [UInt8]
    let back: [UInt8]

    /// - Parameter frame: makes the frame from one station to another, numbers that are 0 and 1.
    init(_ description: String, _ frame: (_ source: Int, _ destination: Int) -> [UInt8]) {
      self.description = description
      there = frame(0, 1)
      back = frame(1, 0)
    }
  }

  private let namespace: NetworkNamespace
  private var netlink: NetlinkSocket
  private var random = SeededGenerator(seed: 7)

  init() throws {
    namespace = try NetworkNamespace.create()
    netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let link = try #require(try netlink.link(named: "lo"))
    try netlink.setLink(index: link.index, LinkChange(isUp: true))
  }

  private func tap(queueCount: Int) throws -> TAPDevice {
    try namespace.run { () throws(Errno) in
      try TAPDevice(named: "t0", steering: FlowSteering(queueCount: queueCount))
    }
  }

  /// Sets the TAP up, without words of the kernel's own, and answers a socket that sends frames on it.
  private func outlet() throws -> Int32 {
    let link = try #require(try netlink.link(named: "t0"))
    let index = link.index
    _ = try namespace.run { () throws(Errno) -> Int in
      let file = open("/proc/sys/net/ipv6/conf/t0/disable_ipv6", O_WRONLY)
      defer { if file >= 0 { _ = close(file) } }
      return file >= 0 ? write(file, "1", 1) : 0
    }
    try netlink.setLink(index: index, LinkChange(linkMTU: 1450, isUp: true))
    return try namespace.run { () throws(Errno) in try openPacketSocket(onLink: index) }
  }

  private func endpoint(_ port: UInt16 = 4789) throws -> Endpoint {
    Endpoint(address: try #require(IPAddress("127.0.0.1")), udpPort: port)
  }

  private func group(of count: Int, at local: Endpoint? = nil, sourcePortCount: Int = 2) throws -> [UDPUnderlay] {
    let local = try local ?? endpoint()
    return try namespace.run { () throws(Errno) in
      try UDPUnderlay.group(
        of: count, local: local, peers: [local], sourcePortCount: sourcePortCount, firstSourcePort: 50_000,
        acceptsZeroChecksum: false)
    }
  }

  /// The number of the first descriptor that becomes readable; nil when none does within 5 s.
  private func readable(_ descriptors: [Int32]) -> Int? {
    var polls = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    guard poll(&polls, nfds_t(polls.count), 5000) > 0 else { return nil }
    return polls.firstIndex { $0.revents != 0 }
  }

  /// Which queue the kernel puts the frame into. It must be the only one there.
  private func queue(of frame: [UInt8], _ tap: TAPDevice, _ outlet: Int32) -> Int? {
    guard send(outlet, frame, frame.count, 0) == frame.count,
      let number = readable(tap.queues.map(\.pollDescriptor))
    else { return nil }
    var batch = FrameBatch()
    guard tap.queues[number].receive(into: &batch) == 0, batch.count == 1 else { return nil }
    let received = Array(UnsafeBufferPointer(start: batch[0].start, count: batch[0].byteCount))
    return received == frame ? number : nil
  }

  /// Which socket of the group the kernel puts a datagram with the frame into.
  private func socket(of frame: [UInt8], _ underlays: [UDPUnderlay], _ sender: UDPTestSocket) throws -> Int? {
    try sender.send(Frames.vxlan(vni: 42, frame), to: underlays[0].local)
    guard let number = readable(underlays.map(\.pollDescriptor)) else { return nil }
    var batch = DatagramBatch()
    guard underlays[number].receive(into: &batch) == 0, batch.count == 1 else { return nil }
    let payload = Array(UnsafeBufferPointer(start: batch[0].start, count: batch[0].byteCount))
    return payload == Frames.vxlan(vni: 42, frame) ? number : nil
  }

  private func ipv4Flow(_ number: Int, ipProtocol: UInt8 = 17, tag: Bool = false, options: Int = 0) throws -> Flow {
    let ends = try (1...2).map { try #require(IPAddress("10.42.\(number % 200).\($0)")) }
    let ports = [UInt16(truncatingIfNeeded: 40_000 + number), 5201]
    return Flow("IPv4 \(number), protocol \(ipProtocol), tag \(tag), \(options) words of options") {
      source, destination in
      var packet = Frames.ipv4(
        from: ends[source], to: ends[destination], ipProtocol: ipProtocol,
        payload: Frames.udp(from: ports[source], to: ports[destination], payload: [1, 2, 3]))
      packet[0] += UInt8(options)
      packet.insert(contentsOf: [UInt8](repeating: 1, count: 4 * options), at: 20)
      let (from, to) = (MACAddress.station(10 + source), MACAddress.station(10 + destination))
      return tag
        ? Frames.tagged(to: to, from: from, vlan: 5, etherType: 0x0800, payload: packet)
        : Frames.ethernet(to: to, from: from, etherType: 0x0800, payload: packet)
    }
  }

  private func ipv6Flow(_ number: Int, nextHeader: UInt8 = 6) throws -> Flow {
    let ends = try (1...2).map { try #require(IPAddress("fd42::\(number):\($0)")) }
    let ports = [UInt16(truncatingIfNeeded: 40_000 + number), 443]
    return Flow("IPv6 \(number), next header \(nextHeader)") { source, destination in
      Frames.ethernet(
        to: .station(10 + destination), from: .station(10 + source), etherType: 0x86DD,
        payload: Frames.ipv6(
          from: ends[source], to: ends[destination], nextHeader: nextHeader,
          payload: Frames.udp(from: ports[source], to: ports[destination], payload: [1, 2, 3])))
    }
  }

  private func flows() throws -> [Flow] {
    var flows: [Flow] = []
    for number in 0..<40 {
      flows.append(try ipv4Flow(number, ipProtocol: [6, 17, 132, 1][number % 4]))
      flows.append(try ipv4Flow(number, tag: true))
      flows.append(try ipv4Flow(number, options: 1 + number % 10))
      flows.append(try ipv6Flow(number, nextHeader: [6, 17, 132, 44][number % 4]))
      flows.append(
        Flow("MAC addresses \(number)") { source, destination in
          Frames.ethernet(
            to: .station(1000 * destination + number), from: .station(1000 * source + number),
            payload: [UInt8](repeating: 7, count: 46))
        })
    }
    return flows
  }

  @Test("both directions of a flow have one number at the queues of a TAP; all are used", arguments: [2, 3, 15])
  func oneNumber(count: Int) throws {
    let tap = try tap(queueCount: count)
    let isSteered = tap.offloads.steering.isOn
    #expect(isSteered, "\(tap.offloads.steering.text)")
    let outlet = try outlet()
    defer { _ = close(outlet) }
    var used: Set<Int> = []
    for flow in try flows() {
      let number = try #require(queue(of: flow.there, tap, outlet), "\(flow)")
      used.insert(number)
      #expect(queue(of: flow.back, tap, outlet) == number, "\(flow)")
    }
    #expect(used == Set(0..<count))
  }

  @Test(
    "what comes from one port goes to one socket, whatever it carries; neighbouring ports take turns",
    arguments: ["127.0.0.1", "::1"], [2, 3, 15])
  func onePort(address: String, count: Int) throws {
    let address = try #require(IPAddress(address))
    let underlays = try group(of: count, at: Endpoint(address: address, udpPort: 4789))
    let flows = try flows().prefix(20)
    var numbers: [Int] = []
    for port in 40_000..<UInt16(40_000 + count) {
      let sender = try namespace.run { () throws(Errno) in
        try UDPTestSocket(at: Endpoint(address: address, udpPort: port))
      }
      let found = try flows.map { try socket(of: $0.there, underlays, sender) }
      numbers.append(try #require(found[0]))
      #expect(Set(found).count == 1, "port \(port)")
    }
    #expect(numbers == (0..<count).map { (40_000 + $0) % count })
  }

  @Test("what of an IPv4 datagram came in fragments has one number whatever the bytes that lie where ports would")
  func fragments() throws {
    let tap = try tap(queueCount: 4)
    let outlet = try outlet()
    defer { _ = close(outlet) }
    let (from, to) = (try #require(IPAddress("10.42.0.1")), try #require(IPAddress("10.42.0.2")))
    let numbers = (0..<40).map { index -> Int? in
      let packet = Frames.ipv4(
        from: from, to: to, flagsAndOffset: index == 0 ? 0x2000 : UInt16(index * 8),
        payload: (0..<40).map { _ in UInt8.random(in: 0...255, using: &random) })
      return queue(
        of: Frames.ethernet(to: .station(1), from: .station(2), etherType: 0x0800, payload: packet), tap, outlet)
    }
    #expect(numbers[0] != nil && Set(numbers).count == 1)
  }

  @Test("no length of a datagram is lost")
  func truncated() throws {
    let underlays = try group(of: 3)
    let local = try endpoint(40_000)
    let sender = try namespace.run { () throws(Errno) in try UDPTestSocket(at: local) }
    let whole = try ipv4Flow(1, options: 2).there
    for byteCount in 0..<whole.count {
      let number = try socket(of: Array(whole.prefix(byteCount)), underlays, sender)
      #expect(number == 40_000 % 3, "\(byteCount) bytes")
    }
  }

  @Test("a TAP that was deleted is back with all its queues, in their order, and steered")
  func reattached() throws {
    let tap = try tap(queueCount: 3)
    let flows = try flows()
    let before = try outlet()
    let numbers = flows.map { queue(of: $0.there, tap, before) }
    _ = close(before)
    try netlink.deleteLink(index: try #require(try netlink.link(named: "t0")).index)
    #expect(try namespace.run { () throws(Errno) in try tap.reattach() })
    #expect(try namespace.run { () throws(Errno) in try tap.reattach() } == false)
    let after = try outlet()
    defer { _ = close(after) }
    #expect(flows.map { queue(of: $0.there, tap, after) } == numbers && !numbers.contains(nil))
  }

  @Test("one queue and several are two kinds of device: the other kind is refused")
  func kinds() throws {
    let single = try namespace.run { () throws(Errno) in try TAPDevice(named: "t0") }
    #expect(single.queues.count == 1)
    #expect(throws: Errno(EINVAL, "TUNSETIFF")) { _ = try tap(queueCount: 2) }
  }

  @Test("a port that a group has is refused to another group and to a single socket", arguments: [1, 2])
  func exclusive(count: Int) throws {
    let first = try group(of: 2)
    #expect(first.count == 2)
    #expect(throws: Errno(EADDRINUSE, "bind")) { _ = try group(of: count) }
  }

  @Test("workers send from the same ports; with one source port each from its own socket, which has the same port too")
  func sourcePorts() throws {
    do {
      let pool = try group(of: 2, sourcePortCount: 3)
      #expect(pool[0].senders === pool[1].senders && pool[0].senders.sourcePorts == [50_000, 50_001, 50_002])
    }
    let single = try group(of: 2, sourcePortCount: 1)
    #expect(single.map(\.senders.sourcePorts) == [[4789], [4789]])
    for underlay in single {
      var runs = OutgoingRuns(capacity: 1)
      runs.nextStart.update(repeating: 9, count: 60)
      runs.append(byteCount: 60, key: .init(peer: 0, sourcePortIndex: 0, trafficClass: 0, segment: 0))
      underlay.send(&runs)
      #expect(runs[0].failure == 0)
      let number = try #require(readable(single.map(\.pollDescriptor)))
      var batch = DatagramBatch()
      #expect(single[number].receive(into: &batch) == 0 && batch.count == 1)
    }
  }
}
