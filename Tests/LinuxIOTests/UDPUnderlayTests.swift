import Glibc
import Testing
import VXLAN

@testable import LinuxIO

/// Real sockets on the loopback of a namespace of their own, its MTU 1500: without CAP_SYS_ADMIN these fail.
@Suite("UDPUnderlay (root)")
final class UDPUnderlayTests {
  private let namespace: NetworkNamespace
  private let loopback: Link

  init() throws {
    namespace = try NetworkNamespace.create()
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let link = try #require(try netlink.link(named: "lo"))
    loopback = link
    try netlink.setLink(index: link.index, LinkChange(linkMTU: 1500))
    // 127.0.0.0/8 is there as a whole; of IPv6 only ::1.
    try netlink.addAddress(try #require(IPPrefix("fd00::1/128")), toLink: link.index)
    try netlink.addAddress(try #require(IPPrefix("fd00::2/128")), toLink: link.index)
    try waitForAddresses()
  }

  /// The kernel puts IPv6 addresses to use in the background; datagrams to them are lost before.
  private func waitForAddresses() throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
      let list = try namespace.run { () throws(Errno) in
        try UDPKernelSocket.text(of: "/proc/thread-self/net/if_inet6")
      }
      // Address, index, prefix length, scope, flags (IFA_F_TENTATIVE is 0x40), name.
      let flags = list.split(separator: "\n").map { $0.split(separator: " ") }.filter { $0.count > 4 }.map { $0[4] }
      if flags.count >= 3, flags.allSatisfy({ (Int($0, radix: 16) ?? 0x40) & 0x40 == 0 }) { return }
      usleep(1000)
    }
    Issue.record("the kernel did not put fd00::1 and fd00::2 to use within 10 s")
  }

  /// The two ends of each family.
  private func near(_ family: AddressFamily, _ port: UInt16 = 4789) throws -> Endpoint {
    Endpoint(address: try #require(IPAddress(family == .ipv4 ? "127.0.0.1" : "fd00::1")), udpPort: port)
  }

  private func far(_ family: AddressFamily, _ port: UInt16 = 4789) throws -> Endpoint {
    Endpoint(address: try #require(IPAddress(family == .ipv4 ? "127.0.0.2" : "fd00::2")), udpPort: port)
  }

  private func open(
    _ local: Endpoint, peers: [Endpoint] = [], count: Int = 4, first: UInt16 = 50_000,
    acceptsZeroChecksum: Bool = false, usesOffloads: Bool = true
  ) throws -> UDPUnderlay {
    try namespace.run { () throws(Errno) in
      try UDPUnderlay(
        local: local, peers: peers, sourcePortCount: count, firstSourcePort: first,
        acceptsZeroChecksum: acceptsZeroChecksum, usesOffloads: usesOffloads)
    }
  }

  private func failure(_ local: Endpoint, count: Int = 4) -> Errno? {
    do throws(Errno) {
      _ = try namespace.run { () throws(Errno) in
        try UDPUnderlay(
          local: local, peers: [], sourcePortCount: count, firstSourcePort: 50_000, acceptsZeroChecksum: false)
      }
    } catch { return error }
    return nil
  }

  private func ordinarySocket(_ local: Endpoint) throws -> UDPTestSocket {
    try namespace.run { () throws(Errno) in try UDPTestSocket(at: local) }
  }

  /// Sends one datagram and answers what came of it.
  private func send(
    _ payload: [UInt8], _ underlay: UDPUnderlay, peer: Int = 0, sourcePortIndex: Int = 0, trafficClass: UInt8 = 0
  ) -> Int32 {
    var payload = payload
    return payload.withUnsafeMutableBufferPointer { buffer -> Int32 in
      guard let start = buffer.baseAddress else { return EINVAL }
      let key = OutgoingRuns.Key(
        peer: peer, sourcePortIndex: sourcePortIndex, trafficClass: trafficClass, segment: 0)
      var runs = OutgoingRuns(capacity: 1)
      runs.nextStart.update(from: start, count: buffer.count)
      runs.append(byteCount: buffer.count, key: key)
      underlay.send(&runs)
      let run = runs[0]
      #expect(run.sentCount == (run.failure == 0 ? 1 : 0))
      return run.failure
    }
  }

  private func isReadable(_ underlay: UDPUnderlay, within milliseconds: Int32) -> Bool {
    var poller = pollfd(fd: underlay.pollDescriptor, events: Int16(POLLIN), revents: 0)
    return poll(&poller, 1, milliseconds) == 1
  }

  private struct Received: Equatable {
    var payload: [UInt8]
    var source: IPAddress
    var trafficClass: UInt8 = 0
    var isFragmented = false
    /// Of several that the kernel joined, that of each but the last; 0 = not looked at.
    var datagramByteCount = 0

    static func == (a: Received, b: Received) -> Bool {
      a.payload == b.payload && a.source == b.source && a.trafficClass == b.trafficClass
        && a.isFragmented == b.isFragmented
    }
  }

  /// At least `count` buffers, for which it waits for up to 20 s, and all that wait: on a busy machine the
  /// loopback takes
  /// its time.
  private func receive(_ underlay: UDPUnderlay, count: Int = 0) -> [Received] {
    var batch = DatagramBatch()
    var all: [Received] = []
    repeat {
      let failure = underlay.receive(into: &batch)
      #expect(failure == 0)
      if failure != 0 { return [] }
      for index in 0..<batch.count {
        let datagram = batch[index]
        #expect(!datagram.isTruncated)
        all.append(
          Received(
            payload: Array(UnsafeBufferPointer(start: datagram.start, count: datagram.byteCount)),
            source: datagram.source, trafficClass: datagram.trafficClass, isFragmented: datagram.isFragmented,
            datagramByteCount: datagram.datagramByteCount))
      }
    } while batch.count > 0 || isReadable(underlay, within: all.count < count ? 20_000 : 10)
    return all
  }

  @Test("100 datagrams arrive whole, in order, with their source", arguments: AddressFamily.allCases)
  func exchange(family: AddressFamily) throws {
    let (a, b) = (try near(family), try far(family))
    let left = try open(a, peers: [b])
    let right = try open(b, peers: [a], first: 60_000)
    #expect(receive(right).isEmpty)
    let payloads = (0..<100).map { [UInt8](repeating: UInt8($0), count: 1 + $0 * 14) }
    for payload in payloads { #expect(send(payload, left) == 0) }
    let received = receive(right, count: payloads.count)
    #expect(received.map(\.payload.count) == payloads.map(\.count) && received.allSatisfy { $0.source == a.address })
    let isSame = received.map(\.payload) == payloads
    #expect(isSame)
    #expect(send([7], right) == 0)
    #expect(receive(left, count: 1) == [Received(payload: [7], source: b.address)])
    #expect(right.overflowCount == 0 && right.local == b)
  }

  /// Sends datagrams, all as one run if they may be, and answers how many calls' worth of them went out.
  private func sendRun(_ payloads: [[UInt8]], _ underlay: UDPUnderlay) -> (sentCount: Int, failure: Int32) {
    var runs = OutgoingRuns()
    for payload in payloads {
      runs.nextStart.update(from: payload, count: payload.count)
      runs.append(
        byteCount: payload.count, key: .init(peer: 0, sourcePortIndex: 0, trafficClass: 0x28, segment: 0))
    }
    let count = runs.count
    #expect(count == 1)
    underlay.send(&runs)
    return (runs[0].sentCount, runs[0].failure)
  }

  @Test(
    "a run arrives in one buffer with offloads and as datagrams without, the same bytes",
    arguments: AddressFamily.allCases, [true, false])
  func runs(family: AddressFamily, usesOffloads: Bool) throws {
    let (a, b) = (try near(family), try far(family))
    let left = try open(a, peers: [b], usesOffloads: usesOffloads)
    let right = try open(b, peers: [a], first: 60_000, usesOffloads: usesOffloads)
    let states = [left.senders.segmentation.isOn, right.joining.isOn]
    #expect(states == [usesOffloads, usesOffloads])
    let payloads = (0..<40).map { [UInt8](repeating: UInt8($0), count: $0 == 39 ? 700 : 1400) }
    let sent = sendRun(payloads, left)
    #expect(sent.sentCount == 40 && sent.failure == 0)
    let received = receive(right, count: usesOffloads ? 1 : 40)
    #expect(received.allSatisfy { $0.trafficClass == 0x28 && $0.source == a.address && !$0.isFragmented })
    let isSame = received.flatMap(\.payload) == payloads.flatMap { $0 }
    #expect(isSame)
    #expect(received.count == (usesOffloads ? 1 : 40))
    #expect(received.first?.datagramByteCount == 1400)
    let isStillOn = left.senders.segmentation.isOn
    #expect(isStillOn == usesOffloads)
  }

  @Test(
    "datagrams beyond the path fail each, the short last one goes, and segmentation stays on",
    arguments: AddressFamily.allCases)
  func runBeyondPath(family: AddressFamily) throws {
    let left = try open(try near(family), peers: [try far(family)])
    let right = try open(try far(family), first: 60_000)
    let payloads = [1600, 1600, 1600, 100].map { [UInt8](repeating: 5, count: $0) }
    let sent = sendRun(payloads, left)
    #expect(sent.sentCount == 1 && sent.failure == EMSGSIZE)
    #expect(receive(right, count: 1).map(\.payload.count) == [100])
    let isStillOn = left.senders.segmentation.isOn
    #expect(isStillOn)
  }

  @Test("each peer slot leads to its own address and port", arguments: AddressFamily.allCases)
  func peers(family: AddressFamily) throws {
    let peers = [try far(family, 4789), try far(family, 8472), try near(family, 8472)]
    let sender = try open(try near(family), peers: peers)
    let receivers = try peers.enumerated().map { try open($0.element, first: 51_000 + UInt16($0.offset) * 10) }
    for peer in peers.indices { #expect(send([UInt8(peer)], sender, peer: peer) == 0) }
    for (peer, receiver) in receivers.enumerated() {
      #expect(receive(receiver, count: 1).map(\.payload) == [[UInt8(peer)]])
    }
  }

  @Test("every traffic class arrives as it was sent", arguments: AddressFamily.allCases)
  func trafficClass(family: AddressFamily) throws {
    let left = try open(try near(family), peers: [try far(family)])
    let right = try open(try far(family), first: 60_000)
    for value: UInt8 in 0...255 { #expect(send([value], left, trafficClass: value) == 0) }
    let received = receive(right, count: 256)
    #expect(received.map(\.trafficClass) == Array(0...255) && received.map { $0.payload[0] } == Array(0...255))
  }

  @Test("1472 or 1452 bytes fill an MTU of 1500, one more is EMSGSIZE", arguments: AddressFamily.allCases)
  func size(family: AddressFamily) throws {
    let largest = family == .ipv4 ? 1472 : 1452
    for count in [1, 4] {
      let left = try open(try near(family), peers: [try far(family)], count: count)
      let right = try open(try far(family), first: 60_000)
      #expect(send([UInt8](repeating: 1, count: largest), left) == 0)
      #expect(send([UInt8](repeating: 2, count: largest + 1), left) == EMSGSIZE)
      #expect(receive(right, count: 1).map(\.payload.count) == [largest])
    }
  }

  @Test("a datagram that came in fragments says so, one that came whole does not", arguments: AddressFamily.allCases)
  func fragments(family: AddressFamily) throws {
    let receiver = try open(try far(family))
    let sender = try ordinarySocket(try near(family, 40_000))
    // IP_PMTUDISC_DONT and IPV6_PMTUDISC_DONT.
    try family == .ipv4 ? sender.set(Int32(IPPROTO_IP), 10, 0) : sender.set(Int32(IPPROTO_IPV6), 23, 0)
    for count in [4000, 1000] { try sender.send([UInt8](repeating: 3, count: count), to: try far(family)) }
    let received = receive(receiver, count: 2)
    #expect(received.map(\.isFragmented) == [true, false] && received.map(\.payload.count) == [4000, 1000])
  }

  @Test("source ports wrap around in 49152...65535 and pass over taken ones", arguments: AddressFamily.allCases)
  func sourcePorts(family: AddressFamily) throws {
    let first = try open(try near(family), count: 8, first: 65_530)
    #expect(first.senders.sourcePorts == [65_530, 65_531, 65_532, 65_533, 65_534, 65_535, 49_152, 49_153])
    let second = try open(try near(family, 49_156), count: 4, first: 65_533)
    #expect(second.senders.sourcePorts == [49_154, 49_155, 49_157, 49_158])
    // A first port outside of the range begins at its start.
    #expect(try open(try far(family), count: 2, first: 1).senders.sourcePorts == [49_152, 49_153])
    #expect(try open(try far(family, 4790), count: 2, first: 49_151).senders.sourcePorts == [49_152, 49_153])
  }

  @Test("a pool of one sends from the listening port")
  func poolOfOne() throws {
    let left = try open(try near(.ipv4), peers: [try far(.ipv4)], count: 1)
    #expect(left.senders.sourcePorts == [4789])
    let frame = try outgoingFrame { #expect(send([1, 2, 3], left) == 0) }
    #expect(Array(frame[34..<38]) == [0x12, 0xB5, 0x12, 0xB5])
  }

  @Test("a port in use and an address of nobody's are errors with their names", arguments: AddressFamily.allCases)
  func refused(family: AddressFamily) throws {
    let holder = try open(try near(family))
    for count in [1, 4] { #expect(failure(holder.local, count: count) == Errno(EADDRINUSE, "bind")) }
    let foreign = try #require(IPAddress(family == .ipv4 ? "192.0.2.77" : "2001:db8::77"))
    #expect(failure(Endpoint(address: foreign, udpPort: 4789)) == Errno(EADDRNOTAVAIL, "bind"))
  }

  @Test("sending sockets drop what is sent to them", arguments: AddressFamily.allCases)
  func sendersDropInput(family: AddressFamily) throws {
    let underlay = try open(try near(family), first: 50_000)
    let sender = try ordinarySocket(try far(family, 40_000))
    for port in underlay.senders.sourcePorts { try sender.send([1], to: try near(family, port)) }
    #expect(receive(underlay).isEmpty)
    for port in underlay.senders.sourcePorts {
      let socket = try #require(try namespace.run { () throws(Errno) in try UDPKernelSocket(family, port: port) })
      #expect(socket.waitingByteCount == 0 && socket.dropCount == 1, "port \(port)")
    }
    try sender.send([2], to: underlay.local)
    #expect(receive(underlay, count: 1).map(\.payload) == [[2]])
  }

  @Test("a zero checksum is accepted on IPv4 always, on IPv6 only where it is allowed")
  func zeroChecksum() throws {
    let four = try ordinarySocket(try far(.ipv4, 40_000))
    // SO_NO_CHECK; UDP_NO_CHECK6_TX.
    try four.set(SOL_SOCKET, 11, 1)
    let receiver = try open(try near(.ipv4))
    try four.send([1], to: receiver.local)
    #expect(receive(receiver, count: 1).map(\.payload) == [[1]])
    let six = try ordinarySocket(try far(.ipv6, 40_000))
    try six.set(Int32(IPPROTO_UDP), 101, 1)
    for accepts in [false, true] {
      let receiver = try open(try near(.ipv6), acceptsZeroChecksum: accepts)
      try six.send([1], to: receiver.local)
      #expect(receive(receiver, count: accepts ? 1 : 0).map(\.payload) == (accepts ? [[1]] : []))
    }
  }

  @Test("on the wire: DF, TTL 64, the traffic class, a UDP checksum, and the socket's own source port")
  func headers() throws {
    let four = try open(try near(.ipv4), peers: [try far(.ipv4)])
    for index in 0..<4 {
      let frame = try outgoingFrame {
        #expect(send([1, 2, 3], four, sourcePortIndex: index, trafficClass: 0xB8) == 0)
      }
      #expect(frame[15] == 0xB8 && frame[20] == 0x40 && frame[21] == 0 && frame[22] == 64)
      #expect(Array(frame[26..<34]) == [127, 0, 0, 1, 127, 0, 0, 2])
      #expect(frame[34...37] == [0xC3, UInt8(0x50 + index), 0x12, 0xB5] && frame[40...41] != [0, 0])
    }
    let six = try open(try near(.ipv6), peers: [try far(.ipv6)], first: 49_152)
    let frame = try outgoingFrame { #expect(send([1, 2, 3], six, trafficClass: 0xB8) == 0) }
    #expect(frame[14] == 0x6B && frame[15] >> 4 == 0x8 && frame[20] == 17 && frame[21] == 64)
    #expect(frame[54...57] == [0xC0, 0x00, 0x12, 0xB5] && frame[60...61] != [0, 0])
  }

  @Test("a peer that cannot be reached is an error of its own datagrams only")
  func unreachable() throws {
    let left = try open(try near(.ipv4), peers: [try #require(IPAddress("192.0.2.1")).endpoint(4789), try far(.ipv4)])
    #expect(send([1], left, peer: 0) == ENETUNREACH)
    #expect(send([1], left, peer: 1) == 0)
  }

  /// The first frame on the loopback that `action` causes.
  private func outgoingFrame(_ action: () throws -> Void) throws -> [UInt8] {
    let index = loopback.index
    let observer = try namespace.run { () throws(Errno) in try openPacketSocket(onLink: index) }
    defer { _ = close(observer) }
    try action()
    var poller = pollfd(fd: observer, events: Int16(POLLIN), revents: 0)
    try #require(poll(&poller, 1, 20_000) == 1)
    var bytes = [UInt8](repeating: 0, count: 2000)
    let count = recv(observer, &bytes, bytes.count, 0)
    try #require(count > 62 || (count > 44 && bytes[12] == 8))
    return Array(bytes.prefix(count))
  }
}

extension IPAddress {
  fileprivate func endpoint(_ port: UInt16) -> Endpoint { Endpoint(address: self, udpPort: port) }
}
