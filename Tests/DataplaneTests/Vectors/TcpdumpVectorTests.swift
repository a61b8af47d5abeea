import Dataplane
import TestKit
import Testing
import VXLAN

/// The captures of tcpdump's own tests, against what tcpdump prints of them.
@Suite("captures of tcpdump", .enabled(if: VectorFolder.isWanted, VectorFolder.comment))
struct TcpdumpVectorTests {
  /// What tcpdump's text says of one packet.
  private struct Line {
    let outerByteCount: Int
    let vni: UInt32
    let source: MACAddress?
    let destination: MACAddress?
    let innerByteCount: Int
  }

  /// With link-level headers printed: "A > B, ethertype …, length 148: … vni 100", then "C > D, …, length 98: …".
  private static func lines(_ text: String) throws -> [Line] {
    let packet = #/length (\d+): \S+ > \S+: VXLAN, flags \[I\] \(0x08\), vni (\d+)\n(\S+) > (\S+), .*?length (\d+):/#
    let packets = text.matches(of: packet)
    return try packets.map { match in
      Line(
        outerByteCount: try #require(Int(match.1)), vni: try #require(UInt32(match.2)),
        source: MACAddress(match.3), destination: MACAddress(match.4), innerByteCount: try #require(Int(match.5)))
    }
  }

  @Test(
    "ten packets of VNI 100 arrive byte for byte, with the addresses and lengths that tcpdump prints",
    arguments: [("vxlan", UInt16(4789)), ("vxlan_port_8472", UInt16(8472))])
  func plain(name: String, port: UInt16) throws {
    let datagrams = try VectorFolder.datagrams("tcpdump/\(name).pcap")
    let lines = try Self.lines(VectorFolder.text("tcpdump/\(name).out"))
    #expect(datagrams.count == 10 && lines.count == 10)
    let bench = try VectorBench.bench(vni: 100, sources: datagrams.map(\.source))
    for (datagram, line) in zip(datagrams, lines) {
      #expect(datagram.vni == 100 && line.vni == 100)
      #expect(datagram.doesNotFragment == true && datagram.udpChecksum == 0 && datagram.destinationPort == port)
      #expect(datagram.packet.count == line.outerByteCount)
      let delivered = try #require(bench.fromUnderlay([VectorBench.received(datagram)])[0].first)
      #expect(delivered == datagram.innerFrame)
      #expect(delivered.count == line.innerByteCount)
      let header = EthernetHeader(parsing: delivered.span)
      let ethernet = try #require(header)
      #expect(ethernet.source == line.source && ethernet.destination == line.destination)
    }
    #expect(bench.snapshot().total(.framesOut, .underlay) == 10 && bench.isBalanced)
    #expect(Set(bench.entries().map(\.mac)) == Set(lines.compactMap(\.source)))
  }

  private static let families = ["ipv4-vxlan-ipv4", "ipv4-vxlan-ipv6", "ipv6-vxlan-ipv4", "ipv6-vxlan-ipv6"]

  /// The length that tcpdump prints of the n-th IP header: IPv4's includes the header, IPv6's does not.
  private static func ipByteCount(_ text: String, header: Int) throws -> Int {
    let found = text.matches(of: #/IP6? \(.*?(payload )?length (\d+)/#)
    let match = try #require(found.count > header ? found[header] : nil, "no IP header \(header) in \(text)")
    return try #require(Int(match.2)) + (match.1 == nil ? 0 : 40)
  }

  @Test("a superpacket of VNI 5001 is decoded whole, whatever its UDP checksum", arguments: families)
  func superpacket(name: String) throws {
    let datagram = try #require(try VectorFolder.datagrams("tcpdump/gso-\(name).pcap").first)
    let text = try VectorFolder.text("tcpdump/gso-\(name).out")
    #expect(text.contains("flags [I] (0x08), vni 5001") && datagram.vni == 5001)
    let outerByteCount = try Self.ipByteCount(text, header: 0)
    #expect(datagram.packet.count == 14 + outerByteCount)
    let bench = try VectorBench.bench(vni: 5001, overlayMTU: 9000, sources: [datagram.source])
    let delivered = try #require(bench.fromUnderlay([VectorBench.received(datagram)])[0].first)
    #expect(delivered == datagram.innerFrame)
    let innerByteCount = try Self.ipByteCount(text, header: 1)
    #expect(delivered.count == 14 + innerByteCount)
    #expect(bench.isBalanced)
  }

  @Test("a superpacket is oversize on a segment of 1,450 bytes", arguments: families)
  func superpacketOversize(name: String) throws {
    let datagram = try #require(try VectorFolder.datagrams("tcpdump/gso-\(name).pcap").first)
    let bench = try VectorBench.bench(vni: 5001, overlayMTU: 1450, sources: [datagram.source])
    #expect(bench.fromUnderlay([VectorBench.received(datagram)]) == [[]])
    #expect(bench.drops(.oversize) == 1 && bench.entries().isEmpty && bench.isBalanced)
  }

  @Test("a packet of 80 kB with a UDP length of 0 is refused and nothing breaks", arguments: families)
  func jumbo(name: String) throws {
    let datagram = try #require(try VectorFolder.datagrams("tcpdump/bigtcp-\(name).pcap").first)
    let text = try VectorFolder.text("tcpdump/bigtcp-\(name).out")
    #expect(text.contains("presumed BIG TCP") && text.contains("vni 5001") && datagram.vni == 5001)
    #expect(datagram.udpByteCount == 0 && datagram.payload.count > 79_000)
    // Over IPv4 a socket gets nothing of it, over IPv6 the payload, cut. The segment is as large as any can be.
    let bench = try VectorBench.bench(vni: 5001, overlayMTU: 65_535, sources: [datagram.source])
    bench.fromUnderlay([VectorBench.received(datagram)])
    #expect(bench.drops(.truncated) == 1)
    bench.fromUnderlay([.init(datagram.packet, from: datagram.source)])
    #expect(bench.drops(.truncated) == 2)
    // The most that a datagram can have of it is above a usual MTU.
    let usual = try VectorBench.bench(vni: 5001, sources: [datagram.source])
    usual.fromUnderlay([.init(Array(datagram.payload.prefix(65_507)), from: datagram.source)])
    #expect(usual.drops(.oversize) == 1)
    #expect(usual.fromTAP([datagram.innerFrame]).isEmpty)
    #expect(usual.drops(.tooBig) == 1)
    // Its sender is told, once.
    #expect(bench.taps[0].written.isEmpty && usual.taps[0].written.count == 1 && bench.entries().isEmpty)
    #expect(bench.isBalanced && usual.isBalanced)
  }

  @Test("NSH in VXLAN-GPE has a reserved bit and is dropped for it, whether or not its VNI is a segment's")
  func genericProtocolExtension() throws {
    let datagram = try #require(try VectorFolder.datagrams("tcpdump/nsh-over-vxlan-gpe.pcap").first)
    let text = try VectorFolder.text("tcpdump/nsh-over-vxlan-gpe.out")
    #expect(text.contains("flags [IP], vni 16777215"))
    #expect(datagram.destinationPort == 4790 && datagram.payload[0] == 0x0C && datagram.payload[3] == 4)
    for vni: UInt32 in [16_777_215, 100] {
      let bench = try VectorBench.bench(vni: vni, sources: [datagram.source])
      #expect(bench.fromUnderlay([VectorBench.received(datagram)]) == [[]])
      #expect(bench.drops(.reservedBits) == 1 && bench.entries().isEmpty && bench.isBalanced)
    }
  }
}
