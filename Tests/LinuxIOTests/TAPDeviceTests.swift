import Glibc
import TestKit
import Testing
import VXLAN

@testable import LinuxIO

/// Real devices in namespaces of their own: without CAP_SYS_ADMIN and CAP_NET_ADMIN, and without /dev/net/tun,
/// these fail.
@Suite("TAPDevice (root)")
final class TAPDeviceTests {
  private let namespace: NetworkNamespace

  init() throws { namespace = try NetworkNamespace.create() }

  private func device(_ name: String) throws -> TAPDevice {
    try namespace.run { () throws(Errno) in try TAPDevice(named: name) }
  }

  private func netlink() throws -> NetlinkSocket { try namespace.run { () throws(Errno) in try NetlinkSocket() } }

  private func failure(_ name: String) -> Errno? {
    do throws(Errno) { _ = try namespace.run { () throws(Errno) in try TAPDevice(named: name) } } catch { return error }
    return nil
  }

  /// Sets the device up without IPv6, so that the kernel says nothing on it of its own accord.
  private func setUp(_ name: String, linkMTU: Int? = nil, _ netlink: inout NetlinkSocket) throws -> Link {
    let link = try #require(try netlink.link(named: name))
    _ = try namespace.run { () throws(Errno) -> Int in
      let file = open("/proc/sys/net/ipv6/conf/\(name)/disable_ipv6", O_WRONLY)
      if file >= 0 {
        _ = write(file, "1", 1)
        _ = close(file)
      }
      return 0
    }
    try netlink.setLink(index: link.index, LinkChange(linkMTU: linkMTU, isUp: true))
    return link
  }

  /// Frames that come out of the TAP until one satisfies `isWanted`.
  private func receive(_ tap: TAPDevice, _ isWanted: ([UInt8]) -> Bool) -> [UInt8]? {
    let deadline = ContinuousClock.now + .seconds(20)
    var batch = FrameBatch()
    while ContinuousClock.now < deadline {
      batch.clear()
      guard tap.queues[0].receive(into: &batch) == 0 else { return nil }
      for index in 0..<batch.count {
        let frame = Array(UnsafeBufferPointer(start: batch[index].start, count: batch[index].byteCount))
        if isWanted(frame), !batch[index].offload.isSuperframe, !batch[index].offload.wantsChecksum { return frame }
      }
      usleep(1000)
    }
    return nil
  }

  /// Writes one frame and answers what came of it.
  private func send(_ frame: [UInt8], _ tap: TAPDevice, _ header: VirtioNetHeader? = nil) -> Int32 {
    var frame = frame
    return frame.withUnsafeMutableBufferPointer { buffer -> Int32 in
      guard let start = buffer.baseAddress else { return EINVAL }
      var frames = OutgoingFrames(capacity: 1)
      frames.append(start: start, byteCount: buffer.count, segment: 0, peer: 0)
      if let header { frames.setLastHeader(header) }
      tap.queues[0].send(&frames, 0..<1)
      return frames[0].failure
    }
  }

  /// A socket that sees and sends whole frames on a device.
  private func packetSocket(_ index: Int32) throws -> Int32 {
    try namespace.run { () throws(Errno) in try openPacketSocket(onLink: index) }
  }

  private func receive(_ packetSocket: Int32) -> [UInt8] {
    var poller = pollfd(fd: packetSocket, events: Int16(POLLIN), revents: 0)
    guard poll(&poller, 1, 20_000) == 1 else { return [] }
    var bytes = [UInt8](repeating: 0, count: 70_000)
    let count = recv(packetSocket, &bytes, bytes.count, 0)
    return Array(bytes.prefix(max(0, count)))
  }

  @Test("a device appears, down, and goes with its owner")
  func life() throws {
    var netlink = try netlink()
    do {
      let tap = try device("t0")
      #expect(!tap.isPersistent && tap.name == "t0")
      let link = try #require(try netlink.link(named: "t0"))
      #expect(link.kind == "tun" && !link.isUp)
    }
    #expect(try netlink.link(named: "t0") == nil)
  }

  @Test("a device that somebody has is busy; one of another kind is no TAP")
  func refusedNames() throws {
    var netlink = try netlink()
    let tap = try device("t0")
    #expect(failure("t0") == Errno(EBUSY, "TUNSETIFF"))
    _ = try netlink.createBridge(named: "br0")
    #expect(failure("br0")?.number == EINVAL && failure("lo")?.number == EINVAL)
    #expect(try netlink.link(named: tap.name) != nil)
  }

  @Test("15 bytes are a name; 16, none, a pattern and a zero byte are not, and leave no device")
  func names() throws {
    var netlink = try netlink()
    do {
      let tap = try device("fifteen-letters")
      #expect(try netlink.link(named: tap.name) != nil)
    }
    for name in ["sixteen-letters!", "", "t%d", "t0\0x", "a/b", "a b", "."] {
      #expect(failure(name)?.number == EINVAL, "\(name)")
    }
    #expect(try netlink.links().map(\.name) == ["lo"])
  }

  @Test(
    "a frame that is written comes into the kernel byte for byte, from 14 bytes to the MTU",
    arguments: [
      14, 60, 1514, 65_535 + 14 - 14,
    ])
  func writing(byteCount: Int) throws {
    var netlink = try netlink()
    let tap = try device("t0")
    let link = try setUp("t0", linkMTU: byteCount > 1514 ? 65_521 : 1500, &netlink)
    let observer = try packetSocket(link.index)
    defer { _ = close(observer) }
    let payload = (0..<byteCount - 14).map { UInt8(truncatingIfNeeded: $0) }
    let frame = Frames.ethernet(to: .broadcast, from: .station(9), payload: payload)
    #expect(send(frame, tap) == 0)
    let isSame = receive(observer) == frame
    #expect(isSame)
  }

  @Test("a frame that the kernel sends is read byte for byte")
  func reading() throws {
    var netlink = try netlink()
    let tap = try device("t0")
    let link = try setUp("t0", &netlink)
    let sender = try packetSocket(link.index)
    defer { _ = close(sender) }
    for byteCount in [60, 1514] {
      let frame = Frames.ethernet(
        to: .station(1), from: .station(2), payload: [UInt8](repeating: UInt8(byteCount & 0xFF), count: byteCount - 14))
      #expect(Glibc.send(sender, frame, frame.count, 0) == frame.count)
      #expect(receive(tap) { $0 == frame } != nil)
    }
  }

  @Test("the kernel answers an ARP request for the device's address")
  func arp() throws {
    var netlink = try netlink()
    let tap = try device("t0")
    let link = try #require(try netlink.link(named: "t0"))
    let own = try #require(MACAddress("02:00:00:00:00:77"))
    try netlink.setLink(index: link.index, LinkChange(mac: own))
    _ = try setUp("t0", &netlink)
    try netlink.addAddress(try #require(IPPrefix("10.9.0.1/24")), toLink: link.index)
    let request: [UInt8] =
      [0, 1, 8, 0, 6, 4, 0, 1] + MACAddress.station(5).octets + [10, 9, 0, 5]
      + [0, 0, 0, 0, 0, 0, 10, 9, 0, 1]
    #expect(send(Frames.ethernet(to: .broadcast, from: .station(5), etherType: 0x0806, payload: request), tap) == 0)
    let reply = try #require(receive(tap) { $0.count >= 42 && Array($0[12..<14]) == [8, 6] && $0[21] == 2 })
    #expect(Array(reply[0..<6]) == MACAddress.station(5).octets && Array(reply[6..<12]) == own.octets)
    #expect(Array(reply[22..<32]) == own.octets + [10, 9, 0, 1])
  }

  /// A TAP at 10.9.0.1/24 that knows a neighbour at 10.9.0.5, and a socket that sends there.
  private func neighbour(
    _ tap: TAPDevice, _ netlink: inout NetlinkSocket
  ) throws -> (socket: UDPTestSocket, mac: MACAddress) {
    let own = try #require(MACAddress("02:00:00:00:00:77"))
    let link = try #require(try netlink.link(named: tap.name))
    try netlink.setLink(index: link.index, LinkChange(mac: own))
    _ = try setUp(tap.name, linkMTU: 1450, &netlink)
    try netlink.addAddress(try #require(IPPrefix("10.9.0.1/24")), toLink: link.index)
    // An ARP reply makes the neighbour known once the kernel asks.
    let local = Endpoint(address: try #require(IPAddress("10.9.0.1")), udpPort: 7000)
    let socket = try namespace.run { () throws(Errno) in try UDPTestSocket(at: local) }
    try socket.send([0], to: Endpoint(address: try #require(IPAddress("10.9.0.5")), udpPort: 9))
    _ = try #require(receive(tap) { $0.count >= 42 && Array($0[12..<14]) == [8, 6] && $0[21] == 1 })
    let reply: [UInt8] =
      [0, 1, 8, 0, 6, 4, 0, 2] + MACAddress.station(5).octets + [10, 9, 0, 5] + own.octets
      + [10, 9, 0, 1]
    #expect(send(Frames.ethernet(to: own, from: .station(5), etherType: 0x0806, payload: reply), tap) == 0)
    return (socket, own)
  }

  @Test(
    "a UDP superframe of the kernel is handed over whole with offloads, and as its datagrams without",
    arguments: [true, false])
  func readingSuperframes(usesOffloads: Bool) throws {
    var netlink = try netlink()
    let tap = try namespace.run { () throws(Errno) in try TAPDevice(named: "t0", usesOffloads: usesOffloads) }
    let states = [tap.offloads.reading.isOn, tap.offloads.readingUDP.isOn, tap.offloads.writing.isOn]
    #expect(states == [Bool](repeating: usesOffloads, count: 3))
    let (socket, _) = try neighbour(tap, &netlink)
    let payload = (0..<10_500).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    // UDP_SEGMENT.
    try socket.set(Int32(IPPROTO_UDP), 103, 1000)
    try socket.send(payload, to: Endpoint(address: try #require(IPAddress("10.9.0.5")), udpPort: 9))
    var collected: [UInt8] = []
    var readCount = 0
    let deadline = ContinuousClock.now + .seconds(20)
    var batch = FrameBatch()
    while collected.count < payload.count, ContinuousClock.now < deadline {
      batch.clear()
      #expect(tap.queues[0].receive(into: &batch) == 0)
      for index in 0..<batch.count {
        let frame = Array(UnsafeBufferPointer(start: batch[index].start, count: batch[index].byteCount))
        guard frame.count > 100, Array(frame[12..<14]) == [8, 0], frame[23] == 17 else { continue }
        let offload = batch[index].offload
        #expect(offload.isSuperframe == usesOffloads && offload.wantsChecksum == usesOffloads)
        if usesOffloads {
          #expect(offload.gsoType == VirtioNetHeader.gsoUDP && offload.gsoByteCount == 1000)
          #expect(offload.checksumStart == 34 && offload.checksumOffset == 6)
        }
        for segment in ReferenceSegmentation.frames(of: frame, offload) { collected += segment[42...] }
        readCount += 1
      }
      usleep(1000)
    }
    let isSame = collected == payload
    #expect(isSame)
    #expect(readCount == (usesOffloads ? 1 : 11))
  }

  @Test("a superframe that is written is cut by the kernel behind it, and counted whole by its socket")
  func writingSuperframes() throws {
    var netlink = try netlink()
    let tap = try device("t0")
    let (socket, own) = try neighbour(tap, &netlink)
    let payload = (0..<5_500).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var frame = Frames.ethernet(
      to: own, from: .station(5), etherType: 0x0800,
      payload: Frames.ipv4(
        from: try #require(IPAddress("10.9.0.5")), to: try #require(IPAddress("10.9.0.1")),
        payload: Frames.udp(from: 9, to: 7000, payload: payload)))
    // The sum of the pseudo-header: what the kernel expects of a checksum that it is to finish.
    let byteCount = UInt16(8 + payload.count)
    let pseudo: [UInt8] = [10, 9, 0, 5, 10, 9, 0, 1, 0, 17, UInt8(byteCount >> 8), UInt8(byteCount & 0xFF)]
    let sum = ~Checksum.finish(Checksum.sum(pseudo.span))
    frame[40] = UInt8(sum >> 8)
    frame[41] = UInt8(sum & 0xFF)
    var header = VirtioNetHeader()
    header.flags = VirtioNetHeader.needsChecksum
    header.gsoType = VirtioNetHeader.gsoUDP
    header.headerByteCount = 42
    header.gsoByteCount = 1000
    header.checksumStart = 34
    header.checksumOffset = 6
    #expect(send(frame, tap, header) == 0)
    let received = socket.receive(count: 6)
    #expect(received.map(\.count) == [1000, 1000, 1000, 1000, 1000, 500])
    let isSame = received.flatMap { $0 } == payload
    #expect(isSame)
    header.gsoByteCount = 0
    #expect(send(frame, tap, header) == EINVAL)
    header.gsoByteCount = 1000
    header.flags = 0
    #expect(send(frame, tap, header) == EINVAL)
  }

  @Test("a device that is down takes no frame and has none; neither ends the owner")
  func down() throws {
    var netlink = try netlink()
    let tap = try device("t0")
    let frame = Frames.ethernet(to: .broadcast, from: .station(9))
    #expect(send(frame, tap) == EIO)
    var batch = FrameBatch()
    #expect(tap.queues[0].receive(into: &batch) == 0)
    let count = batch.count
    #expect(count == 0)
    _ = try setUp("t0", &netlink)
    #expect(send(frame, tap) == 0)
  }

  @Test("a deleted device answers EBADFD, and the same descriptor brings it back and works", .timeLimit(.minutes(10)))
  func reattach() throws {
    var netlink = try netlink()
    let tap = try device("t0")
    let frame = Frames.ethernet(to: .broadcast, from: .station(9), payload: [1, 2, 3])
    for _ in 0..<5 {
      let link = try #require(try netlink.link(named: "t0"))
      try netlink.deleteLink(index: link.index)
      #expect(try netlink.link(named: "t0") == nil)
      var batch = FrameBatch()
      #expect(tap.queues[0].receive(into: &batch) == EBADFD)
      #expect(send(frame, tap) == EBADFD)
      _ = try namespace.run { () throws(Errno) in try tap.reattach() }
      let again = try setUp("t0", &netlink)
      let observer = try packetSocket(again.index)
      defer { _ = close(observer) }
      #expect(send(frame, tap) == 0)
      let isSame = receive(observer) == frame
      #expect(isSame)
    }
  }
}
