import Glibc
import Testing
import VXLAN

@testable import LinuxIO

/// Real devices and sockets in a namespace of their own: without CAP_SYS_ADMIN and CAP_NET_ADMIN, and without
/// /dev/net/tun, these fail.
@Suite("adoption of devices and sockets (root)")
final class AdoptionTests {
  private let namespace: NetworkNamespace

  init() throws {
    namespace = try NetworkNamespace.create()
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let link = try #require(try netlink.link(named: "lo"))
    try netlink.setLink(index: link.index, LinkChange(isUp: true))
  }

  private func device(_ name: String, queues: Int = 0) throws -> TAPDevice {
    try namespace.run { () throws(Errno) in
      try TAPDevice(named: name, steering: queues > 0 ? FlowSteering(queueCount: queues) : nil)
    }
  }

  private func adopt(_ descriptors: [Int32], _ name: String, queues: Int = 0) throws -> TAPDevice {
    try namespace.run { () throws(Errno) in
      try TAPDevice(
        adopting: descriptors, named: name, steering: queues > 0 ? FlowSteering(queueCount: queues) : nil)
    }
  }

  private func copies(_ tap: TAPDevice) -> [Int32] { tap.queues.map { dup($0.pollDescriptor) } }

  private func index(_ name: String) throws -> Int32? {
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    return try netlink.link(named: name)?.index
  }

  @Test("a device stays when its first owner goes, and what waits in its queue is there for the second")
  func frames() throws {
    var first: TAPDevice? = try device("t0")
    let before = try index("t0")
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    try netlink.setLink(index: try #require(before), LinkChange(isUp: true))
    let socket = try namespace.run { [before] () throws(Errno) in try openPacketSocket(onLink: before ?? 0) }
    defer { _ = close(socket) }
    let frame = [UInt8](repeating: 0xFF, count: 12) + [0x88, 0xB5] + Array(repeating: UInt8(0x5A), count: 50)
    #expect(write(socket, frame, frame.count) == frame.count)
    let descriptors = copies(try #require(first))
    first = nil
    let second = try adopt(descriptors, "t0")
    #expect(try index("t0") == before && second.queues.count == 1 && !second.isPersistent)
    var batch = FrameBatch()
    #expect(second.queues[0].receive(into: &batch) == 0)
    let found = (0..<batch.count).map { Array(UnsafeBufferPointer(start: batch[$0].start, count: batch[$0].byteCount)) }
    #expect(found.contains(frame))
    #expect(try namespace.run { () throws(Errno) in try second.reattach() } == false)
  }

  @Test("queues that are missing are added and those too many are closed", arguments: [(2, 3), (3, 2), (2, 2)])
  func queueCounts(_ had: Int, _ wanted: Int) throws {
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    var first: TAPDevice? = try device("t0", queues: had)
    let second = try adopt(copies(try #require(first)), "t0", queues: wanted)
    first = nil
    #expect(second.queues.count == wanted)
    #expect(try netlink.link(named: "t0")?.tapQueueCount == wanted)
  }

  @Test("another name, another kind and what is no TAP are refused, and closed")
  func misfits() throws {
    let (single, several) = (try device("t0"), try device("t1", queues: 2))
    let socket = try namespace.run { () throws(Errno) in try MessageSocket.pair() }
    for (descriptors, name, queues) in [
      (copies(single), "t9", 0), (copies(single), "t0", 2), (copies(several), "t1", 0), ([dup(0)], "t0", 0),
      ([], "t0", 0),
    ] {
      #expect(throws: Errno.self) { try self.adopt(descriptors, name, queues: queues) }
      for descriptor in descriptors { #expect(fcntl(descriptor, F_GETFD) < 0, "\(name) \(queues)") }
    }
    _ = socket
  }

  @Test("a device for later is made once its name is free")
  func later() throws {
    var owner: TAPDevice? = try device("t0")
    let tap = try namespace.run { () throws(Errno) in try TAPDevice(laterNamed: "t0") }
    #expect(throws: Errno(EBUSY, "TUNSETIFF")) { try self.namespace.run { () throws(Errno) in try tap.reattach() } }
    #expect(owner?.name == "t0")
    owner = nil
    #expect(try namespace.run { () throws(Errno) in try tap.reattach() } == true)
    #expect(try index("t0") != nil)
  }

  private func group(
    _ count: Int, sources: Int = 4, at port: UInt16 = 4789, _ inherited: InheritedDescriptors? = nil
  ) throws -> [UDPUnderlay] {
    let address = try #require(IPAddress("127.0.0.1"))
    return try namespace.run { () throws(Errno) in
      try UDPUnderlay.group(
        of: count, local: Endpoint(address: address, udpPort: port), peers: [], sourcePortCount: sources,
        firstSourcePort: 50_000, acceptsZeroChecksum: false, inherited: inherited)
    }
  }

  private func left(by underlays: [UDPUnderlay]) -> InheritedDescriptors {
    let inherited = InheritedDescriptors()
    for (worker, each) in underlays.enumerated() {
      inherited.give(dup(each.pollDescriptor), as: .plain(worker: worker))
    }
    for (number, descriptor) in underlays[0].senders.pollDescriptors.enumerated() {
      inherited.give(dup(descriptor), as: .source(number))
    }
    return inherited
  }

  @Test(
    "sockets and their ports go on, also with more or fewer workers and source ports",
    arguments: [(1, 1, 4), (1, 3, 6), (3, 3, 4), (3, 1, 2), (2, 3, 4)])
  func sockets(_ had: Int, _ wanted: Int, _ sources: Int) throws {
    var first: [UDPUnderlay]? = try group(had)
    let ports = try #require(first?[0].senders.sourcePorts)
    let inherited = left(by: try #require(first))
    // Nobody reads this one until the second has it.
    let sender = try namespace.run { () throws(Errno) in
      try UDPTestSocket(at: Endpoint(address: IPAddress(ipv4: 0x7F00_0002), udpPort: 0))
    }
    let local = try #require(first?[0].local)
    try sender.send([8, 0, 0, 0, 0, 0, 42, 0], to: local)
    let second = try group(wanted, sources: sources, inherited)
    first = nil
    #expect(second.count == wanted && second[0].senders.sourcePorts.count == sources)
    #expect(second[0].senders.sourcePorts.prefix(4) == ports.prefix(sources))
    #expect(inherited.takeMisfits() == [])
    var received = 0
    for underlay in second {
      var batch = DatagramBatch()
      #expect(underlay.receive(into: &batch) == 0)
      received += batch.count
    }
    // With fewer workers it may lie in a socket that has gone.
    #expect(received == 1 || wanted < had)
  }

  @Test("a socket that is bound elsewhere, or is none, is closed and told of, and a new one is made")
  func otherPlaces() throws {
    let first = try group(1)
    let inherited = left(by: first)
    let second = try group(1, at: 4799, inherited)
    #expect(second[0].local.udpPort == 4799 && second[0].senders.sourcePorts == first[0].senders.sourcePorts)
    #expect(inherited.takeMisfits().count == 1)
    let strange = InheritedDescriptors()
    for number in 0..<4 { strange.give(dup(0), as: .source(number)) }
    strange.give(dup(0), as: .plain(worker: 0))
    #expect(throws: Errno.self) { _ = try self.group(1, strange) }
    let third = try group(1, at: 4800, strange)
    #expect(third[0].senders.sourcePorts.count == 4)
    #expect(strange.takeMisfits().count == 5)
  }
}
