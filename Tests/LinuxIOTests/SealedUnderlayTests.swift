import Glibc
import Testing
import VXLAN

@testable import LinuxIO

/// Sealed listeners beside plain ones, on the loopback of a namespace of its own: without CAP_SYS_ADMIN these fail.
@Suite("UDPUnderlay for sealed datagrams (root)")
final class SealedUnderlayTests {
  private let namespace: NetworkNamespace

  init() throws {
    namespace = try NetworkNamespace.create()
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let link = try #require(try netlink.link(named: "lo"))
    try netlink.setLink(index: link.index, LinkChange(linkMTU: 1500, isUp: true))
  }

  private func endpoint(_ host: Int, _ port: UInt16) throws -> Endpoint {
    Endpoint(address: try #require(IPAddress("127.0.0.\(host)")), udpPort: port)
  }

  /// Plain and sealed underlays of one host.
  private func open(_ host: Int, count: Int = 1, ports: Int, peer: Endpoint) throws -> ([UDPUnderlay], [UDPUnderlay]) {
    let (plainEnd, sealedEnd) = (try endpoint(host, 4789), try endpoint(host, 4790))
    return try namespace.run { () throws(Errno) in
      let plain = try UDPUnderlay.group(
        of: count, local: plainEnd, peers: [peer], sourcePortCount: ports, firstSourcePort: 50_000,
        acceptsZeroChecksum: false)
      return (plain, try UDPUnderlay.sealedGroup(beside: plain, at: sealedEnd))
    }
  }

  private func receive(_ underlays: [UDPUnderlay]) -> (number: Int, payload: [UInt8], source: Endpoint)? {
    var polls = underlays.map { pollfd(fd: $0.pollDescriptor, events: Int16(POLLIN), revents: 0) }
    guard poll(&polls, nfds_t(polls.count), 5000) > 0, let number = polls.firstIndex(where: { $0.revents != 0 }) else {
      return nil
    }
    var batch = DatagramBatch()
    guard underlays[number].receive(into: &batch) == 0, batch.count == 1 else { return nil }
    let datagram = batch[0]
    return (
      number, Array(UnsafeBufferPointer(start: datagram.start, count: datagram.byteCount)),
      Endpoint(address: datagram.source, udpPort: datagram.sourcePort)
    )
  }

  /// Sends `count` datagrams of one run to where `destination` says, or to the plain address.
  private func send(_ underlay: UDPUnderlay, count: Int, to destination: Endpoint?) -> (sentCount: Int, failure: Int32)
  {
    var runs = OutgoingRuns()
    let start = runs.nextStart
    for _ in 0..<count {
      runs.nextStart.update(repeating: 7, count: 1000)
      runs.append(byteCount: 1000, key: .init(peer: 0, sourcePortIndex: 0, trafficClass: 0, segment: 0))
    }
    var run = runs[0]
    #expect(run.start == start && run.datagramCount == count)
    var place = destination.map { Destination($0) } ?? Destination(underlay.local)
    return withUnsafePointer(to: &place) { place in
      run.destination = destination == nil ? nil : place
      var copies = OutgoingRuns()
      copies.append(run)
      underlay.send(&copies)
      return (copies[0].sentCount, copies[0].failure)
    }
  }

  @Test("a run with a destination goes there, one without to the peer's plain address", arguments: [1, 4])
  func destinations(ports: Int) throws {
    let peer = try endpoint(2, 4789)
    let (_, sealed) = try open(1, ports: ports, peer: peer)
    let (plainThere, sealedThere) = try open(2, ports: ports, peer: try endpoint(1, 4789))
    var source = try endpoint(1, 4790)
    source.udpPort = ports == 1 ? 4790 : sealed[0].senders.sourcePorts[0]
    for (destination, there) in [(try endpoint(2, 4790), sealedThere), (nil, plainThere)] {
      let result = send(sealed[0], count: 3, to: destination)
      #expect(result.sentCount == 3 && result.failure == 0)
      let received = try #require(receive(there))
      #expect(received.payload == [UInt8](repeating: 7, count: 3000), "joined as one buffer")
      #expect(received.source == source)
    }
  }

  @Test("what the control thread sends leaves from the sealed port, and to nowhere there is an errno")
  func control() throws {
    let (_, sealed) = try open(1, ports: 4, peer: try endpoint(2, 4789))
    let (_, there) = try open(2, ports: 4, peer: try endpoint(1, 4789))
    #expect(sealed[0].send([1, 2, 3], to: try endpoint(2, 4790)) == 0)
    let received = try #require(receive(there))
    let own = try endpoint(1, 4790)
    #expect(received.payload == [1, 2, 3] && received.source == own)
    let nowhere = Endpoint(address: try #require(IPAddress("192.0.2.1")), udpPort: 4790)
    #expect(sealed[0].send([1], to: nowhere) == ENETUNREACH)
  }

  @Test("four sealed sockets share the port and each gets the source ports of its number")
  func steering() throws {
    let (_, sealed) = try open(1, count: 4, ports: 4, peer: try endpoint(2, 4789))
    #expect(sealed.count == 4)
    for port in 40_000..<40_016 as Range<UInt16> {
      let from = try endpoint(2, port)
      let sender = try namespace.run { () throws(Errno) in try UDPTestSocket(at: from) }
      try sender.send([1], to: sealed[0].local)
      #expect(receive(sealed)?.number == Int(port % 4))
    }
  }

  @Test("a sealed port that another has is refused")
  func taken() throws {
    let (plain, sealed) = try open(1, ports: 4, peer: try endpoint(2, 4789))
    let again = try endpoint(1, 4790)
    var failure: Int32 = 0
    do throws(Errno) {
      _ = try namespace.run { () throws(Errno) in try UDPUnderlay.sealedGroup(beside: plain, at: again) }
    } catch { failure = error.number }
    #expect(failure == EADDRINUSE && sealed.count == 1)
  }
}
