import Capture
import VXLAN

@testable import Verify

/// Packets of an Ethernet underlay with IPv4, right unless told otherwise, and what a judge says of them.
enum Underlay {
  static func frame(source: UInt64 = 0x0200_0000_0005, byteCount: Int = 64) -> [UInt8] {
    let mac = (0..<6).map { UInt8(truncatingIfNeeded: source >> UInt64(40 - 8 * $0)) }
    let header: [UInt8] = [2, 0, 0, 0, 0, 7] + mac + [0x88, 0xB5]
    return header + [UInt8](repeating: 0x5A, count: max(0, byteCount - header.count))
  }

  static func plain(vni: UInt8 = 42, _ frame: [UInt8] = frame()) -> [UInt8] { [8, 0, 0, 0, 0, 0, vni, 0] + frame }

  static func sealed(vni: UInt8 = 42, counter: UInt8 = 0, fill: UInt8 = 1, byteCount: Int = 100) -> [UInt8] {
    let header: [UInt8] = [0x0C, 0, 0, 0xFE, 0, 0, vni, 0, 0, 0x0A, 0xBC, 0, 0, 0, 0, counter]
    return header + [UInt8](repeating: fill, count: byteCount - header.count)
  }

  /// The whole packet.
  static func packet(
    _ payload: [UInt8], from host: UInt8 = 1, sourcePort: UInt16 = 50_000, port: UInt16 = 4789,
    identification: UInt8 = 0
  ) -> [UInt8] {
    let udpByteCount = payload.count + 8
    let totalByteCount = udpByteCount + 20
    var ip: [UInt8] = [
      0x45, 0, UInt8(totalByteCount >> 8), UInt8(totalByteCount & 0xFF), 0, identification, 0x40, 0, 64, 17, 0, 0,
      192, 0, 2, host, 192, 0, 2, 3,
    ]
    set(Checksum.finish(Checksum.sum(ip.span)), in: &ip, at: 10)
    var udp: [UInt8] = [0, 0, 0, 0, UInt8(udpByteCount >> 8), UInt8(udpByteCount & 0xFF), 0, 0] + payload
    set(sourcePort, in: &udp, at: 0)
    set(port, in: &udp, at: 2)
    let pseudoHeader = Checksum.sum(ip.span.extracting(12..<20)) + 17 + UInt64(udpByteCount)
    set(Checksum.finish(Checksum.sum(udp.span, initial: pseudoHeader)), in: &udp, at: 6)
    return [2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, host, 8, 0] + ip + udp
  }

  static func set(_ value: UInt16, in bytes: inout [UInt8], at offset: Int) {
    bytes[offset] = UInt8(value >> 8)
    bytes[offset + 1] = UInt8(value & 0xFF)
  }

  /// The findings on packets that come `milliseconds` after each other, each as `rule packet`.
  static func findings(
    _ packets: [[UInt8]], plan: VerifyPlan = VerifyPlan(), milliseconds: Int64 = 1, lost: Int = 0
  ) -> [String] {
    var judge = Judge(plan: plan, linkType: .ethernet)
    for (number, packet) in packets.enumerated() {
      packet.withUnsafeBufferPointer {
        let kept = UnsafeBufferPointer(rebasing: $0.dropLast(lost))
        judge.judge(
          CapturedPacket(time: Int64(number) * milliseconds * 1_000_000, bytes: kept, wireByteCount: packet.count))
      }
    }
    return judge.findings.kept.map { "\($0.rule.name) \($0.packet)" }
  }
}
