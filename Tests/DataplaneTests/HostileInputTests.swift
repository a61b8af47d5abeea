import Dataplane
import LinuxIO
import TestKit
import Testing
import VXLAN

/// What a hostile or broken sender can put on the wire, each with the exact count of what comes of it.
@Suite("hostile input")
struct HostileInputTests {
  private let peer = HostileBench.peer(1)

  @Test("of every length 0...60 only those that hold a header and a frame are delivered")
  func everyLength() {
    let bench = HostileBench.bench([HostileBench.segment(42)])
    let whole = Frames.vxlan(vni: 42, HostileBench.frame())
    for length in 0...60 {
      let delivered = bench.fromUnderlay([.init(Array(whole.prefix(length)), from: peer)])[0]
      #expect(delivered == (length >= 22 ? [Array(whole[8..<length])] : []), "\(length) bytes")
    }
    #expect(bench.drops(.shortHeader) == 8 && bench.drops(.shortFrame) == 14)
    #expect(bench.snapshot().total(.framesOut, .underlay) == 39)
    #expect(bench.datagramCount == 61 && bench.isBalanced)
  }

  @Test("10,000 datagrams without the I flag are counted as that, whatever else is set")
  func noVNIFlag() {
    let bench = HostileBench.bench([HostileBench.segment(42)])
    let frame = HostileBench.frame()
    let datagrams = (0..<10_000).map { number in
      let flags = UInt8(truncatingIfNeeded: number) & ~0x08
      return FakeDatagramPort.Received(Frames.vxlan(vni: 42, flags: flags, frame), from: peer)
    }
    #expect(bench.fromUnderlay(datagrams) == [[]])
    #expect(bench.drops(.noVNIFlag) == 10_000 && bench.entries().isEmpty && bench.isBalanced)
  }

  @Test("the first datagram of a stranger may be all zero: it is one without the I flag", arguments: [8, 22, 60, 1500])
  func zeroFromStranger(byteCount: Int) {
    let bench = HostileBench.bench([HostileBench.segment(42)])
    let datagram = [UInt8](repeating: 0, count: byteCount)
    for count in 1...2 {
      #expect(bench.fromUnderlay([.init(datagram, from: HostileBench.peer(99))]) == [[]])
      #expect(bench.drops(.noVNIFlag) == UInt64(count) && bench.datagramCount == count && bench.isBalanced)
      bench.adopt(bench.topology)
    }
    #expect(bench.snapshot().peers.allSatisfy { $0.receivedByteCount == 0 })
  }

  @Test("each of the 39 reserved bits alone is refused by a strict segment and ignored by a lenient one")
  func reservedBits() {
    var lenient = HostileBench.segment(43)
    lenient.ignoresReservedBits = true
    let bench = HostileBench.bench([HostileBench.segment(42), lenient])
    let bits = (0..<32).filter { $0 != 4 } + Array(56..<64)
    #expect(bits.count == 39)
    for bit in bits {
      for vni: UInt32 in [42, 43] {
        var datagram = Frames.vxlan(vni: vni, HostileBench.frame(from: bit))
        datagram[bit / 8] |= 0x80 >> UInt8(bit % 8)
        let delivered = bench.fromUnderlay([.init(datagram, from: peer)])
        #expect(delivered[Int(vni) - 42].count == (vni == 43 ? 1 : 0), "bit \(bit), VNI \(vni)")
      }
    }
    #expect(bench.drops(.reservedBits) == 39 && bench.snapshot().total(.framesOut, .underlay) == 39)
    #expect(bench.entries(segment: 0).isEmpty && bench.entries(segment: 1).count == 39 && bench.isBalanced)
  }

  @Test("VNIs at the edges deliver to their own segment, and their neighbours nowhere")
  func edgeVNIs() {
    let edges: [UInt32] = [0, 0xFF, 0x100, 0xFF_FFFF]
    let bench = HostileBench.bench(edges.map { HostileBench.segment($0) })
    for (slot, vni) in edges.enumerated() {
      let delivered = bench.fromUnderlay([.init(Frames.vxlan(vni: vni, HostileBench.frame()), from: peer)])
      #expect(delivered.map(\.count) == edges.indices.map { $0 == slot ? 1 : 0 })
    }
    for vni: UInt32 in [0x01, 0xFE, 0x101, 0xFF_FFFE] {
      bench.fromUnderlay([.init(Frames.vxlan(vni: vni, HostileBench.frame()), from: peer)])
    }
    #expect(bench.drops(.unknownVNI) == 4 && bench.snapshot().total(.framesOut, .underlay) == 4 && bench.isBalanced)
  }

  @Test("of 2^16 VNIs spread over all only the configured deliver")
  func sampledVNIs() {
    let configured: [UInt32] = [0, 0xFF, 0x1234 << 8 | 0x34, 0xFF_FFFF]
    let bench = HostileBench.bench(configured.map { HostileBench.segment($0) })
    let frame = HostileBench.frame()
    for high in UInt32(0)..<256 {
      // Every high half once; of these, 0, 0x123434 and 0xFFFFFF are configured.
      let vnis = (UInt32(0)..<256).map { low in (high << 8 | low) << 8 | low }
      bench.fromUnderlay(vnis.map { .init(Frames.vxlan(vni: $0, frame), from: peer) })
    }
    #expect(bench.taps.map(\.written.count) == [1, 0, 1, 1])
    #expect(bench.drops(.unknownVNI) == 65_536 - 3 && bench.datagramCount == 65_536 && bench.isBalanced)
  }

  @Test("a VXLAN packet inside a frame is a frame: one header comes off, and the inner VNIs mean nothing")
  func nestedInFrames() {
    let bench = HostileBench.bench([42, 43, 44].map { HostileBench.segment($0) })
    var frame = HostileBench.frame()
    for vni: UInt32 in [44, 43] {
      let datagram = Frames.udp(from: 50_000, to: 4789, payload: Frames.vxlan(vni: vni, frame))
      let packet = Frames.ipv4(from: peer, to: HostileBench.peer(9), payload: datagram)
      frame = Frames.ethernet(to: .station(8), from: .station(9), etherType: 0x0800, payload: packet)
    }
    #expect(bench.fromUnderlay([.init(Frames.vxlan(vni: 42, frame), from: peer)]) == [[frame], [], []])
    #expect(bench.isBalanced)
  }

  @Test("VXLAN headers one behind the other, GPE, NSH and group policy deliver nothing")
  func otherFormats() {
    let bench = HostileBench.bench([HostileBench.segment(5001)])
    // Taken as Ethernet, the second header makes a group address of the VNI's last byte, 0x89.
    let threeDeep = Frames.vxlan(vni: 5001, Frames.vxlan(vni: 5001, Frames.vxlan(vni: 5001, HostileBench.frame())))
    let serviceHeader: [UInt8] = [0, 2, 1, 1, 0, 0, 1, 0xFF]
    let others = [
      Frames.vxlan(vni: 5001, flags: 0x0C, reserved: [0, 0, 3], HostileBench.frame()),
      Frames.vxlan(vni: 5001, flags: 0x0C, reserved: [0, 0, 4], serviceHeader + HostileBench.frame()),
      Frames.vxlan(vni: 5001, flags: 0x8C, HostileBench.frame()),
      Frames.vxlan(vni: 5001, flags: 0x88, reserved: [0, 0, 7], HostileBench.frame()),
    ]
    #expect(bench.fromUnderlay(([threeDeep] + others).map { .init($0, from: peer) }) == [[]])
    #expect(bench.drops(.invalidSourceMAC) == 1 && bench.drops(.reservedBits) == 4)
    #expect(bench.entries().isEmpty && bench.isBalanced)
  }

  @Test("an inner frame of MTU and header passes, one byte more does not, and neither does a datagram of 70,014 bytes")
  func sizes() {
    var tagged = HostileBench.segment(43)
    tagged.passesVLANTags = true
    let bench = HostileBench.bench([HostileBench.segment(42), tagged])
    func receive(_ vni: UInt32, _ byteCount: Int) -> Int {
      let frame = HostileBench.frame(byteCount: byteCount)
      return bench.fromUnderlay([.init(Frames.vxlan(vni: vni, frame), from: peer)])[Int(vni) - 42].count
    }
    #expect(receive(42, 1464) == 1 && receive(42, 1465) == 0)
    #expect(receive(43, 1468) == 1 && receive(43, 1469) == 0)
    #expect(receive(42, 8_000) == 0 && receive(42, 65_507 - 8) == 0)
    #expect(bench.drops(.oversize) == 4)
    #expect(receive(42, 70_014 - 8) == 0)
    #expect(bench.drops(.truncated) == 1)
    #expect(receive(42, 64) == 1)
    #expect(bench.isBalanced)
  }

  @Test("4 x 1,000 frames from a group, everybody, nobody and ourselves: none delivered, none learned")
  func sources() {
    let bench = HostileBench.bench([HostileBench.segment(42)])
    for index in 0..<1_000 {
      let group = MACAddress(rawValue: 0x0100_5E00_0000 | UInt64(index))
      let datagrams = [group, .broadcast, .zero, HostileBench.ownMAC].map { source in
        FakeDatagramPort.Received(
          Frames.vxlan(vni: 42, Frames.ethernet(to: .station(1), from: source)), from: peer)
      }
      bench.fromUnderlay(datagrams)
    }
    #expect(bench.drops(.invalidSourceMAC) == 3_000 && bench.drops(.ownSourceMAC) == 1_000)
    #expect(bench.taps[0].written.isEmpty && bench.entries().isEmpty && bench.isBalanced)
  }

  @Test("of 20 senders the 10 configured are heard and learned")
  func senders() {
    let bench = HostileBench.bench([HostileBench.segment(42, peers: 0..<10)], peerCount: 10)
    bench.fromUnderlay(
      (1...20).map { .init(Frames.vxlan(vni: 42, HostileBench.frame(from: $0)), from: HostileBench.peer($0)) })
    #expect(bench.taps[0].written == (1...10).map { HostileBench.frame(from: $0) })
    #expect(bench.drops(.unknownPeer) == 10)
    #expect(Set(bench.entries().map(\.mac)) == Set((1...10).map { MACAddress.station($0) }))
    #expect(bench.entries().allSatisfy { $0.remote.peerSlot == Int($0.mac.rawValue & 0xFF) - 1 } && bench.isBalanced)
  }

  @Test("a configured peer that does not have the segment is not heard on it")
  func notPermitted() {
    let bench = HostileBench.bench([HostileBench.segment(42, peers: 0..<1)], peerCount: 2)
    bench.fromUnderlay([.init(Frames.vxlan(vni: 42, HostileBench.frame()), from: HostileBench.peer(2))])
    #expect(bench.drops(.notPermitted) == 1 && bench.entries().isEmpty && bench.isBalanced)
  }

  @Test("1,000 frames that claim a pinned address from elsewhere move nothing", arguments: [true, false])
  func pinned(learns: Bool) {
    var segment = HostileBench.segment(42, peers: 0..<2)
    segment.staticEntries = [(mac: .station(1), peer: 1)]
    segment.learns = learns
    let bench = HostileBench.bench([segment], peerCount: 2)
    let entries = bench.entries()
    let forged = FakeDatagramPort.Received(Frames.vxlan(vni: 42, HostileBench.frame(from: 1)), from: peer)
    bench.fromUnderlay(Array(repeating: forged, count: 1_000))
    #expect(bench.drops(.staticMove) == 1_000 && bench.taps[0].written.isEmpty)
    #expect(bench.entries() == entries && entries.count == 1)
    let sent = bench.fromTAP([Frames.ethernet(to: .station(1), from: .station(2))])
    #expect(sent.map(\.peer) == [1] && bench.isBalanced)
  }

  @Test("a million made-up addresses fill the table to its limit, are delivered all the same, and displace nobody")
  func tableFlood() {
    var segment = HostileBench.segment(42, peers: 0..<2)
    segment.fdbLimit = 65_536
    let bench = HostileBench.bench([segment], peerCount: 2)
    bench.fromUnderlay([.init(Frames.vxlan(vni: 42, HostileBench.frame(from: 1)), from: HostileBench.peer(2))])
    var datagram = FakeDatagramPort.Received(Frames.vxlan(vni: 42, HostileBench.frame(byteCount: 14)), from: peer)
    for chunk in 0..<1_000 {
      let stations = (2 + chunk * 1_000)..<(1_002 + chunk * 1_000)
      bench.fromUnderlay(
        stations.map { station in
          // The last three bytes of the source: making each from nothing takes longer than all the rest.
          for place in 0..<3 { datagram.payload[19 - place] = UInt8(truncatingIfNeeded: station >> (8 * place)) }
          return datagram
        })
      bench.taps[0].written.removeAll(keepingCapacity: true)
    }
    #expect(bench.snapshot().total(.framesOut, .underlay) == 1_000_001 && bench.entries().count == 65_536)
    #expect(bench.topology.withFDB(ofSegment: 0) { $0.history().refusedCount } == 1_000_000 - 65_535)
    let toVictim = bench.fromTAP([Frames.ethernet(to: .station(1), from: .station(2))])
    #expect(toVictim.map(\.peer) == [1])
    let toUnlearned = bench.fromTAP([Frames.ethernet(to: .station(1_000_001), from: .station(2))])
    #expect(Set(toUnlearned.map(\.peer)) == [0, 1] && bench.isBalanced)
  }
}
