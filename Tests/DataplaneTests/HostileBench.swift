import Dataplane
import TestKit
import VXLAN

/// What the tests of hostile input set up: segments, peers at 192.0.2.N, and frames between stations.
enum HostileBench {
  /// None that a station has.
  static let ownMAC = MACAddress(rawValue: 0x0600_0000_0001)

  static func peer(_ number: Int) -> IPAddress { IPAddress(ipv4: 0xC000_0200 + UInt32(number)) }

  static func segment(_ vni: UInt32, overlayMTU: Int = 1450, peers: Range<Int> = 0..<1) -> SegmentPlan {
    var segment = SegmentPlan(vni: VNI(unchecked: vni), overlayMTU: overlayMTU, ownMAC: ownMAC)
    segment.peers = Array(peers)
    return segment
  }

  /// Peers 1...count, and the segments.
  static func bench(_ segments: [SegmentPlan], peerCount: Int = 1) -> EngineBench {
    EngineBench(
      segments: segments,
      peers: (1...peerCount).map { PeerPlan(endpoint: Endpoint(address: peer($0), udpPort: 4789)) })
  }

  /// A broadcast frame of a station.
  static func frame(from station: Int = 1, byteCount: Int = 64) -> [UInt8] {
    let header = Frames.ethernet(to: .broadcast, from: .station(station))
    return header + (header.count..<max(header.count, byteCount)).map { UInt8(truncatingIfNeeded: $0) }
  }
}
