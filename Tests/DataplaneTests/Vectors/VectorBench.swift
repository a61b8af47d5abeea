import Dataplane
import TestKit
import VXLAN

/// A bench that has one segment and the peers that a capture speaks of.
enum VectorBench {
  static let ownMAC = HostileBench.ownMAC

  static func bench(
    vni: UInt32, overlayMTU: Int = 1450, sources: [IPAddress], isLenient: Bool = false
  ) throws -> EngineBench {
    guard let vni = VNI(vni) else { throw OuterDatagram.Unexpected(description: "\(vni) is no VNI") }
    var peers: [IPAddress] = []
    for source in sources where !peers.contains(source) { peers.append(source) }
    var segment = SegmentPlan(vni: vni, overlayMTU: overlayMTU, ownMAC: ownMAC)
    segment.ignoresReservedBits = isLenient
    segment.peers = Array(peers.indices)
    return EngineBench(
      segments: [segment],
      peers: peers.map {
        PeerPlan(endpoint: Endpoint(address: $0, udpPort: Specification.vxlanUDPPort))
      })
  }

  /// What a socket would give to the engine.
  static func received(_ datagram: OuterDatagram) -> FakeDatagramPort.Received {
    FakeDatagramPort.Received(datagram.payload, from: datagram.source, trafficClass: datagram.trafficClass)
  }
}

extension EngineBench {
  /// Whether both directions balance: every frame that came ended once.
  var isBalanced: Bool {
    let counters = snapshot()
    return Direction.allCases.allSatisfy { counters.imbalance($0) == 0 }
  }

  /// Frames that came from the underlay.
  var datagramCount: UInt64 { snapshot().total(.framesIn, .underlay) }
}
