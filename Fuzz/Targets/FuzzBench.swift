import Dataplane
import LinuxIO
import TestKit
import VXLAN

/// An engine for plain segments that is made anew from time to time, so that what a failure needs is not far behind it.
final class FuzzBench {
  /// Executions on one engine. Making one costs as much as some hundred of them.
  private static let executionCountMax = 2_000
  static let ownMAC = MACAddress(rawValue: 0x0600_0000_0001)
  static let peers = [
    IPAddress(ipv4: 0xC000_0201), IPAddress(ipv4: 0xC000_0202), IPAddress(ipv6High: 0xFD01 << 48, low: 9),
  ]
  /// Strict and lenient, with and without tags, with a static entry, and one that the second peer does not have.
  static let segments: [SegmentPlan] = [UInt32(0), 0xFF, 0x12_3456, 0xFF_FFFF].enumerated().map { slot, vni in
    var segment = SegmentPlan(vni: VNI(unchecked: vni), overlayMTU: [1450, 1450, 9000, 576][slot], ownMAC: ownMAC)
    segment.passesVLANTags = slot & 1 != 0
    segment.ignoresReservedBits = slot & 2 != 0
    segment.staticEntries = [(mac: .station(3), peer: 2)]
    segment.fdbLimit = 64
    // Two segments do no more than the RFCs say.
    segment.snoopsMulticast = slot & 1 == 0
    segment.clampsMSS = slot & 1 == 0
    segment.suppressesNeighbors = slot & 1 == 0
    segment.peers = slot == 3 ? [0, 2] : [0, 1, 2]
    return segment
  }

  private let mergeable: MergeableTraffic
  private var executionCount = 0
  private(set) var engine: EngineBench

  init(merges: Bool = false) {
    mergeable = MergeableTraffic(mergesTCP: merges, mergesUDP: merges)
    engine = Self.make(mergeable)
  }

  private static func make(_ mergeable: MergeableTraffic) -> EngineBench {
    EngineBench(
      segments: segments, peers: peers.map { PeerPlan(endpoint: Endpoint(address: $0, udpPort: 4789)) },
      mergeable: mergeable)
  }

  /// Before each input: a millisecond has gone by, and nothing is left of the last one's output.
  func begin() {
    executionCount += 1
    if executionCount.isMultiple(of: Self.executionCountMax) { engine = Self.make(mergeable) }
    engine.now = engine.now + .milliseconds(1)
    engine.sockets.sent.removeAll(keepingCapacity: true)
    for tap in engine.taps { tap.written.removeAll(keepingCapacity: true) }
  }

  /// Every frame that came ended once.
  func requireBalance() {
    let counters = engine.snapshot()
    for direction in Direction.allCases {
      require(counters.imbalance(direction) == 0, "\(direction): \(counters.imbalance(direction)) frames unaccounted")
    }
  }
}
