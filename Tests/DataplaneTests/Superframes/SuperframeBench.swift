import Dataplane
import LinuxIO
import TestKit
import VXLAN

/// What the tests of superframes and of joining set up, on the bench of three peers.
enum SuperframeBench {
  /// One peer behind a TAP that hands over superframes.
  static func encapsulating(overlayMTU: Int = 1450, peers: [Int] = [0]) -> EngineBench {
    threePeers {
      $0.overlayMTU = overlayMTU
      $0.peers = peers
      $0.passesVLANTags = true
    }
  }

  /// Segments 42 and 43 with three peers, and TAPs that take superframes of TCP and UDP unless it is said otherwise.
  static func merging(
    _ traffic: MergeableTraffic = MergeableTraffic(mergesTCP: true, mergesUDP: true), overlayMTU: Int = 1450
  ) -> EngineBench {
    let segments = ([42, 43] as [UInt32]).map { vni in
      var segment = SegmentPlan(vni: VNI(unchecked: vni), overlayMTU: overlayMTU, ownMAC: .station(0x77))
      segment.peers = [0, 1, 2]
      segment.passesVLANTags = true
      return segment
    }
    let peers = (0...2).map { PeerPlan(endpoint: Endpoint(address: peerAddress($0), udpPort: 4789)) }
    return EngineBench(segments: segments, peers: peers, mergeable: traffic)
  }

  /// The inner frames of what was sent.
  static func inner(_ sent: [FakeDatagramPort.Sent]) -> [[UInt8]] { sent.map { Array($0.payload.dropFirst(8)) } }

  /// Bytes that tell where they stand.
  static func payload(_ byteCount: Int) -> [UInt8] {
    (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
  }
}
