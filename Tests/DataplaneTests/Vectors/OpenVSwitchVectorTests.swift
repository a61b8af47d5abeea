import Dataplane
import Foundation
import TestKit
import Testing
import VXLAN

/// Packets that Open vSwitch's tests expect of its own VXLAN, with the frames that make them.
@Suite("packets of Open vSwitch", .enabled(if: VectorFolder.isWanted, VectorFolder.comment))
struct OpenVSwitchVectorTests {
  private struct Case: Decodable {
    struct Frame: Decodable { let hex: String }
    let test: String
    let frames: [String: Frame]
  }

  /// One expected packet with the frame that was put in.
  private struct Pair {
    let name: String
    let inner: [UInt8]
    let outer: OuterDatagram
  }

  private static func bytes(_ hex: String) throws -> [UInt8] {
    try stride(from: 0, to: hex.count, by: 2).map { offset in
      let start = hex.index(hex.startIndex, offsetBy: offset)
      return try #require(UInt8(hex[start..<hex.index(start, offsetBy: 2)], radix: 16), "\(hex) is not hexadecimal")
    }
  }

  private static func pairs() throws -> [Pair] {
    let cases = try JSONDecoder().decode([Case].self, from: VectorFolder.data("ovs/dpif-netdev-vxlan.json"))
    return try cases.flatMap { item in
      try item.frames.keys.sorted().filter { $0.hasSuffix("_expected") }.map { name in
        let stem = String(name.dropLast("_expected".count))
        let stems = [stem, stem.replacing("_csum", with: ""), stem.replacing("out_", with: "")]
        let frame = stems.lazy.compactMap { item.frames[$0 + "_frame"] }.first
        let put = try bytes(#require(frame, "\(item.test): no frame makes \(name)").hex)
        let expected = try bytes(#require(item.frames[name]).hex)
        return Pair(
          name: "\(item.test), \(name)", inner: rewritten(put, by: item.test),
          outer: try OuterDatagram(parsing: expected))
      }
    }
  }

  /// The offload tests make the switch change one field before it encapsulates, and the checksums with it: the inner
  /// IPv4 destination becomes 192.168.1.1, or the inner destination port 2222. The other tests change nothing.
  private static func rewritten(_ frame: [UInt8], by test: String) -> [UInt8] {
    let isIPv4 = frame[12] == 0x08
    let layer4 = 14 + (isIPv4 ? 20 : 40)
    let isTCP = frame[isIPv4 ? 23 : 20] == Specification.protocolTCP
    let layer4Checksum = layer4 + (isTCP ? 16 : 6)
    var result = frame
    func replace(at offset: Int, with value: UInt16, checksums: [Int]) {
      let old = UInt16(result[offset]) << 8 | UInt16(result[offset + 1])
      for place in [offset] + checksums {
        let present = UInt16(result[place]) << 8 | UInt16(result[place + 1])
        let new = place == offset ? value : Checksum.adjusted(present, replacing: old, with: value)
        // A UDP checksum of 0 says that there is none.
        guard place == offset || isTCP || present != 0 else { continue }
        result[place] = UInt8(new >> 8)
        result[place + 1] = UInt8(new & 0xFF)
      }
    }
    if test.contains("ip csum") {
      replace(at: 32, with: 0x0101, checksums: [24, layer4Checksum])
    } else if !test.contains("no offload") {
      replace(at: layer4 + 2, with: 2222, checksums: [layer4Checksum])
    }
    return result
  }

  @Test("27 packets, over IPv4 and IPv6, with and without a UDP checksum, are decapsulated to the frames put in")
  func decapsulation() throws {
    let pairs = try Self.pairs()
    #expect(pairs.count == 27)
    #expect(Set(pairs.map { "\($0.outer.source.family) \($0.outer.udpChecksum == 0)" }).count == 4)
    let bench = try VectorBench.bench(vni: 123, sources: pairs.map(\.outer.source))
    for pair in pairs {
      let delivered = bench.fromUnderlay([VectorBench.received(pair.outer)])[0]
      #expect(delivered == [pair.inner], "\(pair.name)")
    }
    #expect(bench.snapshot().total(.framesOut, .underlay) == 27 && bench.isBalanced)
  }

  /// The outer headers are the kernel's in our case, so only what follows from our payload is compared with theirs:
  /// destination port, the UDP and IP lengths; and that they set DF over IPv4, as our sockets are told to.
  ///
  /// Free by RFC 7348, section 5, and so not compared: the UDP source port (entropy of the flow), the UDP checksum
  /// (0 or right), TTL, IP identification, TOS, and the outer MAC addresses (of the next hop).
  @Test("our UDP payload of the same 27 frames is theirs, byte for byte")
  func encapsulation() throws {
    let pairs = try Self.pairs()
    #expect(pairs.count == 27)
    for pair in pairs {
      let bench = try VectorBench.bench(vni: 123, sources: [pair.outer.destination])
      let sent = try #require(bench.fromTAP([pair.inner]).first, "\(pair.name)")
      #expect(sent.payload == pair.outer.payload, "\(pair.name)")
      #expect(pair.outer.destinationPort == bench.topology.peers[sent.peer].endpoint.udpPort, "\(pair.name)")
      #expect(pair.outer.udpByteCount == Specification.udpHeaderByteCount + sent.payload.count, "\(pair.name)")
      #expect(pair.outer.ipPayloadByteCount == pair.outer.udpByteCount, "\(pair.name)")
      #expect(pair.outer.doesNotFragment != false, "\(pair.name)")
      #expect(pair.outer.trafficClass == sent.trafficClass, "\(pair.name)")
      #expect(bench.isBalanced)
    }
  }

  @Test("the capture has the packets of the list")
  func capture() throws {
    let captured = try VectorFolder.datagrams("ovs/dpif-netdev-vxlan-expected.pcap").map(\.packet)
    let listed = try Self.pairs().map(\.outer.packet)
    #expect(Set(captured) == Set(listed) && captured.count == 27)
  }

  @Test(
    "inputs that once broke a parser, whole and cut anywhere, break nothing",
    arguments: ["ovs/flow_extract_fuzzer-5112775280951296.bin", "ovs/flow_extract_fuzzer-5457710546944000.bin"])
  func fuzzerInputs(name: String) throws {
    let input = try VectorFolder.bytes(name)
    let peer = IPAddress(ipv4: 0xC000_0202)
    let bench = try VectorBench.bench(vni: 42, sources: [peer])
    for length in 0...input.count {
      let frame = Array(input.prefix(length))
      // As an inner frame: delivered as it is once it has an Ethernet header. Outer CE makes the engine read on.
      for trafficClass: UInt8 in [0, 1, 3] {
        let before = bench.drops(.ecn)
        let delivered = bench.fromUnderlay([
          .init(Frames.vxlan(vni: 42, frame), from: peer, trafficClass: trafficClass)
        ])[0]
        let isWhole = length >= 14 && bench.drops(.ecn) == before
        #expect(delivered.map(\.count) == (isWhole ? [length] : []))
        if trafficClass == 0, isWhole { #expect(delivered == [frame]) }
      }
      // As a datagram: all of them begin with blanks, so the I flag is clear.
      #expect(bench.fromUnderlay([.init(frame, from: peer)]) == [[]])
      // From the TAP: sent behind our header. Later, or it would be a frame of the peer's that comes back.
      bench.now = bench.now + .seconds(2)
      #expect(bench.fromTAP([frame]).map(\.payload) == (length >= 14 ? [Frames.vxlan(vni: 42, frame)] : []))
    }
    #expect(bench.drops(.shortHeader) == 8 && bench.drops(.noVNIFlag) == UInt64(input.count - 7))
    #expect(bench.drops(.shortFrame) == 14 * 4)
    #expect(bench.isBalanced)
  }
}
