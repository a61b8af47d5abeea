import Dataplane
import TestKit
import VXLAN

/// One datagram of plain VXLAN through an engine, held against a model of what a VTEP does.
///
///     byte 0  bits 0...1 source (3: nobody), 2...3 outer ECN, 4...5 both: in fragments, 6: byte 1 counts
///     byte 1  blocks of 257 zero bytes that are put behind the payload
///     then    the UDP payload
final class DatagramTarget: FuzzTarget {
  static let name = "datagrams"
  static let byteCountMax = 512
  private static let stranger = IPAddress(ipv4: 0xC633_6401)

  static var seeds: [[UInt8]] {
    FuzzBench.segments.flatMap { segment in
      FuzzFrames.samples.enumerated().map { number, frame in
        [UInt8(truncatingIfNeeded: number % 3 | number % 4 << 2), 0] + Frames.vxlan(vni: segment.vni.rawValue, frame)
      }
    } + [[3, 0] + Frames.vxlan(vni: 0, FuzzFrames.samples[0]), [0x70, 6], [0x40, 255] + Frames.vxlan(vni: 0xFF, [])]
  }

  private let bench = FuzzBench()

  func run(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let options = input.byte()
    let blockCount = Int(input.byte())
    var payload = Array(input.rest)
    if options & 0x40 != 0 { payload += [UInt8](repeating: 0, count: blockCount * 257) }
    let peer = Int(options & 3)
    let datagram = FakeDatagramPort.Received(
      payload, from: peer < 3 ? FuzzBench.peers[peer] : Self.stranger, trafficClass: options >> 2 & 3,
      isFragmented: options & 0x30 == 0x30)
    bench.begin()
    let before = bench.engine.snapshot()
    let written = bench.engine.fromUnderlay([datagram])
    let after = bench.engine.snapshot()
    bench.requireBalance()
    let expected = DatagramModel.verdict(datagram, peer: peer < 3 ? peer : nil)
    let consumedCount = after.total(.consumed, .underlay) - before.total(.consumed, .underlay)
    for (slot, frames) in written.enumerated() {
      let wanted: [[UInt8]] = if case .delivered(slot, let frame) = expected { [frame] } else { [] }
      let isRight = frames == wanted || Self.isAltered(frames, wanted, slot: slot, isConsumed: consumedCount == 1)
      require(isRight, "segment \(slot) got \(frames), the model says \(expected)")
    }
    let reasons = DropReason.allCases.filter { after.total($0, .underlay) != before.total($0, .underlay) }
    let wanted: [DropReason] = if case .dropped(let reason) = expected { [reason] } else { [] }
    require(reasons == wanted, "dropped as \(reasons), the model says \(expected)")
    require(bench.engine.sockets.sent.isEmpty, "a datagram made one")
  }

  /// What the model knows nothing of: reports of listeners are kept from those who need not hear them, and the segment
  /// size that a SYN tells is lowered.
  private static func isAltered(_ frames: [[UInt8]], _ wanted: [[UInt8]], slot: Int, isConsumed: Bool) -> Bool {
    guard FuzzBench.segments[slot].snoopsMulticast, let frame = wanted.first else { return false }
    guard let got = frames.first else { return isConsumed }
    return frames.count == 1 && got.count == frame.count && got.prefix(12) == frame.prefix(12)
  }
}
