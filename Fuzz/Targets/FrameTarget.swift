import Dataplane
import LinuxIO
import TestKit
import VXLAN

/// One frame as a TAP hands it over, with any virtio-net header: segmentation, checksums, too-big answers, fragments,
/// neighbours, groups, loops.
///
///     byte 0       bits 0...1 segment, 2: byte 1 counts, 3: the header is for a superframe of the frame's own kind
///     byte 1       blocks of 257 zero bytes that are put behind the frame
///     bytes 2...11 the virtio-net header, numbers big-endian
///     then         the frame
final class FrameTarget: FuzzTarget {
  static let name = "frames"
  static let byteCountMax = 768

  static var seeds: [[UInt8]] {
    let whole = [UInt8](repeating: 0, count: 10)
    return FuzzFrames.samples.enumerated().map { [UInt8(truncatingIfNeeded: $0 & 3), 0] + whole + $1 }
      + FuzzFrames.samples.map { [4, 9] + whole + $0 }
      + InnerFlow.kinds.flatMap { flow in
        [UInt16(64), 100, 1_400].map { size in
          let (frame, header) = flow.superframe([UInt8](repeating: 5, count: 300), gsoByteCount: Int(size))
          return [0, 0] + octets(header) + frame
        }
      }
  }

  private let bench = FuzzBench()

  func run(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let options = input.byte()
    let blockCount = Int(input.byte())
    let header = Self.header(&input)
    var frame = Array(input.rest)
    if options & 4 != 0 { frame += [UInt8](repeating: 0, count: blockCount * 257) }
    let slot = Int(options & 3)
    let segment = FuzzBench.segments[slot]
    bench.begin()
    bench.engine.taps[slot].offload = header
    let sent = bench.engine.fromTAP([frame], segment: slot)
    bench.engine.taps[slot].offload = VirtioNetHeader()
    bench.requireBalance()
    let prefix = Frames.vxlan(vni: segment.vni.rawValue, [])
    for datagram in sent {
      require(datagram.payload.starts(with: prefix), "sent \(datagram.payload.prefix(8)) for VNI \(segment.vni)")
      require(datagram.payload.count >= 8 + 14, "sent a frame of \(datagram.payload.count - 8) bytes")
      require(datagram.payload.count <= 8 + segment.frameByteCountMax + 4, "sent \(datagram.payload.count) bytes")
      require(segment.peers.contains(datagram.peer), "sent to peer \(datagram.peer)")
    }
    requireSegmentation(sent, frame, header, segment)
    for (other, tap) in bench.engine.taps.enumerated() {
      require(other == slot || tap.written.isEmpty, "segment \(other) got a frame of segment \(slot)")
      // Answers to the sender: too big, or a neighbour's.
      require(tap.written.count <= 64 && tap.written.allSatisfy { $0.count <= 1_600 }, "written \(tap.written)")
    }
  }

  /// What one peer gets of a sound superframe is what the reference makes of it.
  private func requireSegmentation(
    _ sent: [FakeDatagramPort.Sent], _ frame: [UInt8], _ header: VirtioNetHeader, _ segment: SegmentPlan
  ) {
    guard let expected = SoundSuperframe.frames(of: frame, header, segment), let peer = sent.first?.peer else { return }
    let got = sent.filter { $0.peer == peer }.map { Array($0.payload[8...]) }
    require(got == expected, "segments \(got), the reference makes \(expected)")
  }

  private static func header(_ input: inout FuzzInput) -> VirtioNetHeader {
    var header = VirtioNetHeader()
    header.flags = input.byte()
    header.gsoType = input.byte()
    header.headerByteCount = input.word()
    header.gsoByteCount = input.word()
    header.checksumStart = input.word()
    header.checksumOffset = input.word()
    return header
  }

  private static func octets(_ header: VirtioNetHeader) -> [UInt8] {
    let words = [header.headerByteCount, header.gsoByteCount, header.checksumStart, header.checksumOffset]
    return [header.flags, header.gsoType] + words.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
  }
}
