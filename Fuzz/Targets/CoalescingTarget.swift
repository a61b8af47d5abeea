import Dataplane
import TestKit
import VXLAN

/// Several frames from one peer at once, to a TAP that takes superframes and to one that does not: the kernel must make
/// the same frames of both.
///
///     byte 0  bits 0...1 segment, 2...3 outer ECN, 4: joined by the kernel as datagrams of one length
///     then    pieces: 2 bytes of length and a frame; a length with its highest bit set repeats the last frame with the
///             sequence and identification of what follows it
final class CoalescingTarget: FuzzTarget {
  static let name = "coalescing"
  static let byteCountMax = 2_048
  private static let frameCountMax = 48

  static var seeds: [[UInt8]] {
    InnerFlow.kinds.flatMap { kind in
      [UInt8(0), 0x10, 0x04].map { options in
        var flow = kind
        var bytes = [options]
        for number in 0..<6 {
          let payload = [UInt8](repeating: UInt8(number), count: 96)
          bytes += FuzzInput.piece(flow.frame(number == 5 ? Array(payload.prefix(40)) : payload))
          flow.advance(byteCount: 96)
        }
        return bytes + [0x80, 0, 0x80, 0]
      }
    } + [[0] + FuzzFrames.samples.prefix(12).flatMap(FuzzInput.piece)]
  }

  private let merging = FuzzBench(merges: true)
  private let plain = FuzzBench()

  func run(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let options = input.byte()
    let slot = Int(options & 3)
    let frames = Self.frames(&input)
    let vni = FuzzBench.segments[slot].vni.rawValue
    var datagrams = frames.map {
      FakeDatagramPort.Received(Frames.vxlan(vni: vni, $0), from: FuzzBench.peers[0], trafficClass: options >> 2 & 3)
    }
    if options & 0x10 != 0, let first = datagrams.first { datagrams = Self.joined(datagrams, first) }
    let outputs = [merging, plain].map { bench in
      bench.begin()
      let written = bench.engine.fromUnderlay(datagrams)[slot]
      bench.requireBalance()
      return written
    }
    // Frames of different flows may change places.
    let sorted = outputs.map { $0.map(Self.withoutIdentification).sorted { $0.lexicographicallyPrecedes($1) } }
    require(sorted[0] == sorted[1], "with superframes \(outputs[0]), without \(outputs[1])")
  }

  /// Where DF is set the identification means nothing (RFC 6864, section 4.1): one for all comes out counting up.
  private static func withoutIdentification(_ frame: [UInt8]) -> [UInt8] {
    guard frame.count >= 34 else { return frame }
    let network = ReferenceSegmentation.networkOffset(frame)
    guard network + 20 <= frame.count, frame[network] == 0x45, frame[network + 6] & 0x40 != 0,
      Checksum.isRight(frame.span.extracting(network..<network + 20))
    else { return frame }
    var same = frame
    for offset in [4, 5, 10, 11] { same[network + offset] = 0 }
    return same
  }

  private static func frames(_ input: inout FuzzInput) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    while !input.rest.isEmpty, frames.count < frameCountMax {
      let length = Int(input.word())
      if length & 0x8000 != 0, let last = frames.last {
        frames.append(successor(of: last))
      } else {
        frames.append(input.bytes(length & 0x7FFF))
      }
    }
    return frames
  }

  /// The next frame of the flow, its checksums right, when it is TCP or UDP over IPv4 without options.
  private static func successor(of frame: [UInt8]) -> [UInt8] {
    guard frame.count >= 54, frame[12] == 8, frame[13] == 0, frame[14] == 0x45, [6, 17].contains(frame[23]),
      Int(frame[16]) << 8 | Int(frame[17]) == frame.count - 14
    else { return frame }
    var next = frame
    next[19] &+= 1
    (next[24], next[25]) = (0, 0)
    let checksum = Checksum.finish(Checksum.sum(Array(next[14..<34]).span))
    (next[24], next[25]) = (UInt8(checksum >> 8), UInt8(truncatingIfNeeded: checksum))
    let isUDP = frame[23] == 17
    if !isUDP {
      let headerByteCount = 34 + Int(frame[46] >> 4) * 4
      guard (54...frame.count).contains(headerByteCount) else { return frame }
      let sequence = frame[38..<42].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } &+ UInt32(frame.count - headerByteCount)
      for index in 0..<4 { next[38 + index] = UInt8(truncatingIfNeeded: sequence >> (24 - 8 * index)) }
    }
    ReferenceSegmentation.setTransportChecksum(&next, transport: 34, isUDP: isUDP)
    return next
  }

  /// As UDP_GRO hands over what has one length; the last may be shorter.
  private static func joined(
    _ datagrams: [FakeDatagramPort.Received], _ first: FakeDatagramPort.Received
  ) -> [FakeDatagramPort.Received] {
    let length = first.payload.count
    let same = datagrams.prefix { $0.payload.count == length }
    var whole = first
    whole.payload = same.flatMap(\.payload)
    whole.datagramByteCount = length
    let rest = datagrams.dropFirst(same.count)
    if let next = rest.first, next.payload.count < length {
      whole.payload += next.payload
      return [whole] + rest.dropFirst()
    }
    return [whole] + rest
  }
}
