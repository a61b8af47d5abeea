import TestKit
import VXLAN

/// Valid inner frames of every kind that the agent looks into.
enum FuzzFrames {
  static let host = IPAddress(ipv4: 0x0A2A_0001)
  static let other = IPAddress(ipv4: 0x0A2A_0002)
  private static let hostIPv6 = IPAddress(ipv6High: 0xFD00 << 48, low: 1)
  private static let otherIPv6 = IPAddress(ipv6High: 0xFD00 << 48, low: 2)
  private static let group = IPAddress(ipv4: 0xEF01_0203)
  private static let groupIPv6 = IPAddress(ipv6High: 0xFF05 << 48, low: 0x1234)

  static var samples: [[UInt8]] {
    var frames = InnerFlow.kinds.map { $0.frame(Array(1...40)) }
    frames += InnerFlow.kinds.map { flow in
      var synchronising = flow
      synchronising.tags = [5, 6]
      synchronising.flags = 2
      synchronising.options = [2, 4, 0x23, 0x28, 1, 1, 1, 0]
      synchronising.hasExtensionHeader = true
      synchronising.trafficClass = 3
      return synchronising.frame([])
    }
    frames.append(Frames.ethernet(to: .broadcast, from: .station(7), payload: Array(repeating: 7, count: 46)))
    frames += neighbors + groups
    let fragment = Frames.ipv4(from: host, to: other, flagsAndOffset: 0x2010, payload: Array(0..<64))
    frames.append(Frames.ethernet(to: .station(2), from: .station(1), etherType: 0x0800, payload: fragment))
    return frames
  }

  private static var neighbors: [[UInt8]] {
    let arp = ARPMessage(.request, senderMAC: .station(1), sender: host, targetMAC: .zero, target: other)
    var solicitation = NeighborDiscoveryMessage(
      .solicitation, from: hostIPv6, to: NeighborDiscoveryMessage.solicitedNodeGroup(of: otherIPv6),
      target: otherIPv6, linkLayerAddress: .station(1))
    let question = frame(NeighborDiscoveryMessage.frameByteCount) {
      solicitation.write(to: .broadcast, from: .station(1), in: &$0)
    }
    solicitation.kind = .advertisement
    solicitation.overrides = true
    let answer = frame(NeighborDiscoveryMessage.frameByteCount) {
      solicitation.write(to: .station(2), from: .station(1), in: &$0)
    }
    return [frame(ARPMessage.frameByteCount) { arp.write(to: .broadcast, in: &$0) }, question, answer]
  }

  private static var groups: [[UInt8]] {
    [group, groupIPv6].flatMap { [GroupFrames.join($0), GroupFrames.leave($0), GroupFrames.data($0)] }
      + [GroupFrames.oldReport(group), GroupFrames.oldReport(groupIPv6)]
      + [AddressFamily.ipv4, .ipv6].flatMap { [GroupFrames.query($0), GroupFrames.hello($0)] }
  }

  static func frame(_ byteCount: Int, _ write: (inout MutableSpan<UInt8>) -> Void) -> [UInt8] {
    var frame = [UInt8](repeating: 0, count: byteCount)
    var span = frame.mutableSpan
    write(&span)
    return frame
  }
}
