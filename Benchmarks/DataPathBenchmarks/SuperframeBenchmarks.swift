import Dataplane
import Forwarding
import LinuxIO
import VXLAN

/// Superframes of TCP over IPv4 both ways, counted in segments: cut on the way out, joined on the way in.
enum SuperframeBenchmarks {
  private static let stepCount = 512
  private static let segmentCount = 44
  private static let payloadByteCount = 1398
  private static let headerByteCount = 66

  /// One step takes as many superframes as a batch holds.
  static func encapsulation() -> Benchmark {
    var offload = VirtioNetHeader()
    offload.flags = VirtioNetHeader.needsChecksum
    offload.gsoType = VirtioNetHeader.gsoTCPv4
    offload.gsoByteCount = UInt16(payloadByteCount)
    offload.checksumStart = 34
    offload.checksumOffset = 16
    let superframe =
      header(to: EngineBenchmarks.there, from: EngineBenchmarks.here, payloadByteCount: segmentCount * payloadByteCount)
      + [UInt8](repeating: 7, count: segmentCount * payloadByteCount)
    let host = EngineBenchmarks.Host(
      framePort: ReplayFramePort([superframe, superframe], offload: offload),
      datagramPort: ReplayDatagramPort([], from: EngineBenchmarks.peerAddress(0)))
    let count = host.engine.stepOverlay(segment: 0, now: Instant(nanoseconds: 0)).count
    EngineBenchmarks.requireAllSent(host, .overlay)
    precondition(host.engine.snapshot().total(.framesIn, .overlay) == UInt64(count * segmentCount), "not cut")
    return Benchmark(
      "encapsulate a segment of a superframe of \(segmentCount)", operationCount: stepCount * count * segmentCount
    ) {
      let now = Instant(nanoseconds: 1_000_000_000)
      for _ in 0..<stepCount { precondition(host.engine.stepOverlay(segment: 0, now: now).count == count) }
    }
  }

  /// One step takes a batch of buffers, each with a superframe's datagrams.
  static func decapsulation() -> Benchmark {
    let bufferCount = LinuxIO.Limits.datagramsPerBatch
    let vxlan: [UInt8] = [8, 0, 0, 0, 0, 0, UInt8(EngineBenchmarks.vni.rawValue), 0]
    let payload = [UInt8](repeating: 7, count: payloadByteCount)
    let buffer = (0..<segmentCount).flatMap { number in
      vxlan
        + header(
          to: EngineBenchmarks.here, from: EngineBenchmarks.there, payloadByteCount: payloadByteCount, number: number,
          payload: payload)
        + payload
    }
    let host = EngineBenchmarks.Host(
      framePort: ReplayFramePort([]),
      datagramPort: ReplayDatagramPort(
        [[UInt8]](repeating: buffer, count: bufferCount), from: EngineBenchmarks.peerAddress(0),
        datagramByteCount: vxlan.count + headerByteCount + payloadByteCount,
        refreshedByteCount: vxlan.count + headerByteCount))
    let count = host.engine.stepUnderlay(now: Instant(nanoseconds: 0)).count
    EngineBenchmarks.requireAllSent(host, .underlay)
    precondition(host.framePort.lastWriteCount == bufferCount, "not joined")
    let operationCount = stepCount * count * segmentCount
    return Benchmark("decapsulate and join a segment of \(segmentCount)", operationCount: operationCount) {
      let now = Instant(nanoseconds: 1_000_000_000)
      for _ in 0..<stepCount { precondition(host.engine.stepUnderlay(now: now).count == count) }
      precondition(host.framePort.lastWriteCount == bufferCount, "not joined")
    }
  }

  /// Ethernet, IPv4 and TCP with timestamps; with finished checksums when there is a payload to sum.
  private static func header(
    to destination: MACAddress, from source: MACAddress, payloadByteCount: Int, number: Int = 0, payload: [UInt8] = []
  ) -> [UInt8] {
    let byteCount = headerByteCount - 14 + payloadByteCount
    let sequence = number * payloadByteCount
    var ip: [UInt8] = [0x45, 0, UInt8(byteCount >> 8), UInt8(byteCount & 0xFF), 0, UInt8(number), 0x40, 0, 64, 6, 0, 0]
    ip += [10, 42, 0, 1, 10, 42, 0, 2]
    set(Checksum.finish(Checksum.sum(ip.span)), at: 10, in: &ip)
    var tcp: [UInt8] = [
      0x9C, 0x40, 1, 0xBB, 0, UInt8(sequence >> 16), UInt8(sequence >> 8 & 0xFF), UInt8(sequence & 0xFF),
    ]
    tcp += [0, 0, 0, 1, 0x80, 0x10, 1, 0xF4, 0, 0, 0, 0, 1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 4]
    let summed =
      Array(ip[12..<20]) + [0, 6, UInt8((byteCount - 20) >> 8), UInt8((byteCount - 20) & 0xFF)] + tcp + payload
    if !payload.isEmpty { set(Checksum.finish(Checksum.sum(summed.span)), at: 16, in: &tcp) }
    return destination.octets + source.octets + [8, 0] + ip + tcp
  }

  private static func set(_ value: UInt16, at offset: Int, in bytes: inout [UInt8]) {
    bytes[offset] = UInt8(value >> 8)
    bytes[offset + 1] = UInt8(value & 0xFF)
  }
}
