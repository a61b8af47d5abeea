import Dataplane
import Foundation
import TestKit
import Testing
import VXLAN

/// The packet of gopacket's own test.
@Suite("packet of gopacket", .enabled(if: VectorFolder.isWanted, VectorFolder.comment))
struct GopacketVectorTests {
  private struct Vector: Decodable {
    struct Expectation: Decodable {
      let vni: UInt32
      let inner_len: Int
      let vxlan_header: String
    }
    let hex: String
    let expect: Expectation
  }

  @Test("148 bytes of VNI 255 hold a frame of 98 bytes, and the frame makes the same payload")
  func packet() throws {
    let vector = try JSONDecoder().decode(Vector.self, from: VectorFolder.data("gopacket/vxlan_test.json"))
    let datagram = try #require(try VectorFolder.datagrams("gopacket/vxlan_test.pcap").first)
    let hex = datagram.packet.map { String(format: "%02x", $0) }.joined()
    #expect(hex == vector.hex && datagram.packet.count == 148)
    #expect(datagram.vni == 255 && vector.expect.vni == 255)
    #expect(hex.contains(vector.expect.vxlan_header) && vector.expect.inner_len == 98)
    let bench = try VectorBench.bench(vni: 255, sources: [datagram.source])
    let delivered = try #require(bench.fromUnderlay([VectorBench.received(datagram)])[0].first)
    #expect(delivered == datagram.innerFrame && delivered.count == 98)
    #expect(bench.isBalanced)
    // Neighbouring numbers are other segments.
    for vni: UInt32 in [254, 256] {
      let other = try VectorBench.bench(vni: vni, sources: [datagram.source])
      #expect(other.fromUnderlay([VectorBench.received(datagram)]) == [[]])
      #expect(other.drops(.unknownVNI) == 1 && other.isBalanced)
    }
    let ours = try VectorBench.bench(vni: 255, sources: [datagram.destination])
    #expect(ours.fromTAP([delivered]).map(\.payload) == [datagram.payload])
  }
}
