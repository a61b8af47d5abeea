import Glibc
import TestKit
import Testing
import VXLAN

@testable import LinuxIO

/// Superframes through real devices: written into one TAP, over a bridge of the kernel's, read from another. Without
/// CAP_SYS_ADMIN and CAP_NET_ADMIN, and without /dev/net/tun, these fail.
@Suite("TAPDevice: superframes through the kernel (root)")
final class TAPSuperframeTests {
  private let namespace: NetworkNamespace
  private let near: TAPDevice
  private let payload = (0..<20_001).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
  private let gsoByteCount = 1300

  init() throws {
    namespace = try NetworkNamespace.create()
    near = try namespace.run { () throws(Errno) in try TAPDevice(named: "t0") }
  }

  /// The other TAP, both of them up behind one bridge, where the kernel itself says nothing.
  private func far(usesOffloads: Bool) throws -> TAPDevice {
    let far = try namespace.run { () throws(Errno) in try TAPDevice(named: "t1", usesOffloads: usesOffloads) }
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let bridge = try netlink.createBridge(named: "br0")
    for name in ["br0", near.name, far.name] {
      let link = try #require(try netlink.link(named: name))
      let isQuiet = try namespace.run { () throws(Errno) -> Bool in
        let file = open("/proc/sys/net/ipv6/conf/\(name)/disable_ipv6", O_WRONLY)
        defer { _ = close(file) }
        return Glibc.write(file, "1", 1) == 1
      }
      #expect(isQuiet)
      if name != "br0" { try netlink.setLink(index: link.index, LinkChange(masterIndex: bridge)) }
      try netlink.setLink(index: link.index, LinkChange(isUp: true))
    }
    return far
  }

  /// Writes a frame into the near TAP; answers the `errno`.
  private func write(_ frame: [UInt8], _ header: VirtioNetHeader) -> Int32 {
    var frame = frame
    return frame.withUnsafeMutableBufferPointer { buffer -> Int32 in
      guard let start = buffer.baseAddress else { return EINVAL }
      var frames = OutgoingFrames(capacity: 1)
      frames.append(start: start, byteCount: buffer.count, segment: 0, peer: 0)
      frames.setLastHeader(header)
      near.queues[0].send(&frames, 0..<1)
      return frames[0].failure
    }
  }

  /// The next `count` frames of a TAP from `source`, or those that come within 10 s.
  private func read(
    _ tap: TAPDevice, _ count: Int, from source: MACAddress
  ) -> [(frame: [UInt8], header: VirtioNetHeader)] {
    var all: [(frame: [UInt8], header: VirtioNetHeader)] = []
    let deadline = ContinuousClock.now + .seconds(10)
    var batch = FrameBatch()
    while all.count < count, ContinuousClock.now < deadline {
      batch.clear()
      #expect(tap.queues[0].receive(into: &batch) == 0)
      for index in 0..<batch.count {
        let frame = Array(UnsafeBufferPointer(start: batch[index].start, count: batch[index].byteCount))
        if frame.count >= 14, Array(frame[6..<12]) == source.octets { all.append((frame, batch[index].offload)) }
      }
      if batch.count == 0 { usleep(1000) }
    }
    return all
  }

  /// What the kernel expects in the place of a checksum that it is to finish: the sum of the pseudo-header.
  private func unfinished(_ frame: [UInt8], _ flow: InnerFlow) -> [UInt8] {
    var frame = frame
    let network = flow.networkOffset
    let addresses = flow.isIPv6 ? frame[(network + 8)..<(network + 40)] : frame[(network + 12)..<(network + 20)]
    let byteCount = frame.count - flow.transportOffset
    let pseudo = addresses + [0, flow.isUDP ? 17 : 6, UInt8(byteCount >> 8), UInt8(byteCount & 0xFF)]
    let sum = ~Checksum.finish(Checksum.sum(Array(pseudo).span))
    let field = flow.transportOffset + (flow.isUDP ? 6 : 16)
    frame[field] = UInt8(sum >> 8)
    frame[field + 1] = UInt8(sum & 0xFF)
    return frame
  }

  /// A superframe as the data path writes it, and the frames that it stands for.
  private func superframe(
    _ flow: InnerFlow
  ) -> (frame: [UInt8], header: VirtioNetHeader, segments: [[UInt8]]) {
    var flow = flow
    flow.flags = 0x18
    let (frame, header) = flow.superframe(payload, gsoByteCount: gsoByteCount)
    return (unfinished(frame, flow), header, ReferenceSegmentation.frames(of: frame, header))
  }

  @Test("one that is written is read whole, with the same offload header", arguments: InnerFlow.kinds)
  func whole(flow: InnerFlow) throws {
    let far = try far(usesOffloads: true)
    let (frame, header, segments) = superframe(flow)
    #expect(write(frame, header) == 0)
    let received = try #require(read(far, 1, from: flow.source).first)
    let isSame = received.frame == frame
    #expect(isSame)
    var expected = header
    // The kernel says how many bytes are headers as it likes; nobody believes it.
    expected.headerByteCount = received.header.headerByteCount
    #expect(received.header == expected)
    let isSameInSegments = ReferenceSegmentation.frames(of: received.frame, received.header) == segments
    #expect(isSameInSegments)
  }

  @Test("one for a TAP without offloads is cut by the kernel as our reference cuts it", arguments: InnerFlow.kinds)
  func cut(flow: InnerFlow) throws {
    let far = try far(usesOffloads: false)
    let (frame, header, segments) = superframe(flow)
    #expect(write(frame, header) == 0)
    let received = read(far, segments.count, from: flow.source)
    #expect(received.count == segments.count && received.allSatisfy { $0.header == VirtioNetHeader() })
    let isSame = received.map(\.frame) == segments
    #expect(isSame)
  }

  @Test("a frame that is alone passes as it is")
  func alone() throws {
    let far = try far(usesOffloads: true)
    let flow = InnerFlow()
    let frame = flow.frame(Array(payload.prefix(gsoByteCount)))
    #expect(write(frame, VirtioNetHeader()) == 0)
    let received = try #require(read(far, 1, from: flow.source).first)
    let isSame = received.frame == frame
    #expect(isSame && !received.header.isSuperframe)
  }
}
