import Capture
import Sealing
import VXLAN
import Verify

/// Packets of a capture, as `vtep verify` judges them.
///
///     byte 0   bits 0..1 the link type, bit 2 a judge with keys
///     then     for each packet: its length in two bytes; a byte, how many milliseconds after the one before it; a
///              byte, how many bytes of it the capture left out; the packet
final class VerifyTarget: FuzzTarget {
  static let name = "verify"
  static let byteCountMax = 4_096
  /// Inputs that one judge gets. Making one costs as much as some hundred of them.
  private static let executionCountMax = 2_000
  private static let linkTypes = [LinkType.ethernet, .rawIP, .linuxCooked, .linuxCooked2]

  static var seeds: [[UInt8]] {
    let ethernet = CaptureSeeds.packets.map(CaptureSeeds.ethernet)
    return [
      packets(ethernet, first: 0), packets(ethernet + ethernet, first: 4), packets(CaptureSeeds.packets, first: 1),
    ]
  }

  private static func packets(_ packets: [[UInt8]], first: UInt8) -> [UInt8] {
    packets.reduce([first]) { bytes, packet in
      let length = UInt16(packet.count)
      return bytes + [UInt8(length >> 8), UInt8(length & 0xFF), 1, 0] + packet
    }
  }

  private var benches: [Int: VerifyBench] = [:]
  private var executionCount = 0

  init() {}

  func run(_ bytes: [UInt8]) {
    executionCount += 1
    if executionCount.isMultiple(of: Self.executionCountMax) { benches = [:] }
    var input = FuzzInput(bytes)
    let kind = Int(input.byte() & 7)
    let bench = benches[kind] ?? VerifyBench(linkType: Self.linkTypes[kind & 3], hasKeys: kind & 4 != 0)
    benches[kind] = bench
    while !input.rest.isEmpty {
      let byteCount = Int(input.word())
      let (milliseconds, missing) = (input.byte(), input.byte())
      bench.judge(input.bytes(byteCount), after: Int64(milliseconds), missingByteCount: Int(missing))
    }
    bench.judgeReport()
  }
}

/// A judge, and what must hold after each packet.
private final class VerifyBench {
  private static let segment = VNI(unchecked: 42)
  private var judge: Judge
  private var packetCount = 0
  private var time: Int64 = 0

  init(linkType: LinkType, hasKeys: Bool) {
    var plan = VerifyPlan()
    plan.segments = [Self.segment, VNI(unchecked: 7)]
    plan.sealedSegments = [VNI(unchecked: 7)]
    let keys = hasKeys ? try? KeyRing(parsing: CaptureSeeds.keyLog, file: "f") : nil
    require(hasKeys == (keys != nil), "the key log of the seeds is none")
    judge = Judge(plan: plan, linkType: linkType, keys: keys)
  }

  func judge(_ bytes: [UInt8], after milliseconds: Int64, missingByteCount: Int) {
    packetCount += 1
    time &+= milliseconds * 1_000_000
    let before = judge.counts
    bytes.withUnsafeBufferPointer {
      judge.judge(CapturedPacket(time: time, bytes: $0, wireByteCount: bytes.count + missingByteCount))
    }
    let counts = judge.counts
    require(counts.packetCount == packetCount, "\(counts.packetCount) packets of \(packetCount)")
    require(counts.byteCount == before.byteCount + bytes.count, "\(counts.byteCount) bytes")
    let sorted = (counts.datagramCount - before.datagramCount) + (counts.foreignCount - before.foreignCount)
    // A later fragment of a datagram is neither.
    require((0...1).contains(sorted), "one packet counted \(sorted) times")
    require(counts.openedCount == before.openedCount, "what nobody sealed was opened")
  }

  /// A report that can be written, of packets that there were.
  func judgeReport() {
    let findings = judge.findings.kept
    require(findings.count <= FindingList.keptCountMax * Rule.allCases.count, "\(findings.count) findings kept")
    require(findings.suffix(64).allSatisfy { (1...packetCount).contains($0.packet) }, "a finding of no packet")
    require(
      judge.segments.count <= Limits.segmentCountMax && judge.peers.count <= Limits.peerCountMax, "too many tallies")
    guard packetCount.isMultiple(of: 64) else { return }
    let report = VerifyReport(judge, file: "f", isStrict: true)
    require((report.verdict == .fail) == !findings.isEmpty, "the verdict is another")
    let moves = report.text.unicodeScalars.contains {
      $0.value < 0x20 && $0 != "\n" || (0x7F...0x9F).contains($0.value)
    }
    require(!moves, "a sign that moves a terminal's cursor")
  }
}
