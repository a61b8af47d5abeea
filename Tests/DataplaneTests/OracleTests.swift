import Dataplane
import Foundation
import TestKit
import Testing
import VXLAN

/// The data path against a model of it in another language: oracle.py, written from the RFCs.
@Suite("differential")
struct OracleTests {
  private static let datagramCount = 2_000

  /// The oracle could not be asked.
  private struct Unusable: Error, CustomStringConvertible {
    let description: String
  }

  private static let peers = ["192.0.2.1", "192.0.2.2", "fd01::9"]

  /// Strict and lenient, with and without tags, with a static entry, and one that the second peer does not have.
  private static let segments: [SegmentPlan] = [UInt32(0), 0xFF, 0x12_3456, 0xFF_FFFF].enumerated().map { slot, vni in
    var segment = HostileBench.segment(vni, overlayMTU: [1450, 1450, 100, 576][slot], peers: 0..<3)
    segment.passesVLANTags = slot & 1 != 0
    segment.ignoresReservedBits = slot & 2 != 0
    segment.staticEntries = [(mac: .station(3), peer: 2)]
    segment.learns = slot != 1
    if slot == 3 { segment.peers = [0, 2] }
    return segment
  }

  private static func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// The first line for the oracle.
  private static func setup() throws -> String {
    let list: [[String: Any]] = segments.map { segment in
      let pinned = segment.staticEntries.map { (hex($0.mac.octets), $0.peer) }
      return [
        "vni": Int(segment.vni.rawValue), "mtu": segment.overlayMTU, "mac": hex(segment.ownMAC.octets),
        "tags": segment.passesVLANTags, "lenient": segment.ignoresReservedBits, "peers": segment.peers,
        "static": Dictionary(uniqueKeysWithValues: pinned),
      ]
    }
    let data = try JSONSerialization.data(withJSONObject: ["segments": list, "peers": peers] as [String: Any])
    return String(decoding: data, as: UTF8.self)
  }

  /// What the oracle answers, a line for each datagram.
  private static func oracle(_ lines: [String]) throws -> [String] {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("oracle.py")
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let candidates = path.split(separator: ":").map { "\($0)/python3" }
    guard let python = candidates.first(where: FileManager.default.isExecutableFile(atPath:)) else {
      throw Unusable(description: "no python3 in PATH (\(path)); this test needs it to run oracle.py")
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = ["-B", script.path]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    // It reads all before it writes, so neither side waits for the other. Should it end early, the write is to fail
    // and not to end this process.
    signal(SIGPIPE, SIG_IGN)
    try process.run()
    do {
      try input.fileHandleForWriting.write(contentsOf: Data(lines.map { $0 + "\n" }.joined().utf8))
      try input.fileHandleForWriting.close()
    } catch {
      process.waitUntilExit()
      throw Unusable(description: "\(python) oracle.py took no input: \(error)")
    }
    let answer = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Unusable(description: "\(python) oracle.py ended with \(process.terminationStatus)")
    }
    return String(decoding: answer, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// The same of the engine, in the oracle's words.
  private static func verdict(_ datagram: FakeDatagramPort.Received, bench: EngineBench) -> String {
    let before = bench.snapshot()
    let delivered = bench.fromUnderlay([datagram])
    let after = bench.snapshot()
    let reasons = DropReason.allCases.filter { after.total($0, .underlay) != before.total($0, .underlay) }
    let frames = delivered.enumerated().flatMap { slot, frames in frames.map { "deliver \(slot) \(hex($0))" } }
    return (frames + reasons.map { "drop \($0.name)" }).joined(separator: " and ")
  }

  @Test("2,000 seeded datagrams end as a model written from the RFCs says, delivered bytes and drop reasons alike")
  func differential() throws {
    let seed = TestSeed.next("differential")
    let addresses = try Self.peers.map { try #require(IPAddress($0)) }
    let bench = EngineBench(
      segments: Self.segments, peers: addresses.map { PeerPlan(endpoint: Endpoint(address: $0, udpPort: 4789)) })
    var hostile = HostileDatagrams(
      seed: seed, vnis: Self.segments.map(\.vni.rawValue) + [77],
      sources: addresses + addresses + [HostileBench.peer(200)])
    let datagrams = (0..<Self.datagramCount).map { _ in hostile.datagram() }
    let lines = datagrams.map { datagram in
      let payload = datagram.payload.isEmpty ? "-" : Self.hex(datagram.payload)
      return "\(datagram.source) \(datagram.trafficClass) \(datagram.isFragmented ? 1 : 0) \(payload)"
    }
    let expected = try Self.oracle([try Self.setup()] + lines)
    try #require(expected.count == datagrams.count, "oracle.py answered \(expected.count) lines")
    for (index, datagram) in datagrams.enumerated() {
      let verdict = Self.verdict(datagram, bench: bench)
      #expect(verdict == expected[index], "seed \(seed), datagram \(index): \(lines[index])")
    }
    #expect(bench.isBalanced && expected.filter { $0.hasPrefix("deliver") }.count > 200)
    #expect(Set(expected.filter { $0.hasPrefix("drop") }).count >= 10, "seed \(seed): too few reasons met")
  }
}
