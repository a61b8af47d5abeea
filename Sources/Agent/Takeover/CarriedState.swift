import Dataplane
import Forwarding

/// What an agent leaves to the one that takes over from it, beside descriptors and the entries of its tables. Of keys
/// and sessions nothing: sessions begin anew, so that no nonce can be used by two processes.
///
/// By names, since the other has slots of its own, and in JSON, since it may be of another version: keys that are not
/// known are passed over.
struct CarriedState: Codable, Equatable, Sendable {
  /// More than any has: 15 workers with 1,024 segments.
  static let byteCountMax = 64 << 20

  struct Segment: Codable, Equatable, Sendable {
    var vni: UInt32
    var tap: String
    var isSealed: Bool
    /// Of its device, or of its bridge.
    var addresses: [String]
    var bridge: String?
    /// The agent has created the bridge, and takes it away in the end.
    var ownsBridge: Bool
    var history: FDBHistory
  }

  struct Peer: Codable, Equatable, Sendable {
    var name: String
    /// As configured.
    var address: String
    /// Base64.
    var publicKey: String?
    /// Where it has moved to.
    var presentAddress: String?
    var presentPort: UInt16?
    /// What is known to reach it, in bytes of an IP packet.
    var pathMTU: Int
  }

  struct Worker: Codable, Equatable, Sendable {
    /// In the order of the segments.
    var segments: [CarriedCounters]
    /// Of frames of no segment.
    var none: CarriedCounters
    /// In the order of the peers.
    var peers: [PeerTraffic]
    var batches: BatchCounters
  }

  struct Handshakes: Codable, Equatable, Sendable {
    var consumed: UInt64
    var refused: UInt64
    var bytes: UInt64
  }

  var segments: [Segment] = []
  var peers: [Peer] = []
  var workers: [Worker] = []
  var handshakes: Handshakes?

  /// Nil for what is no state, or counts more than can be added up.
  static func decode(_ bytes: [UInt8]) -> CarriedState? {
    guard bytes.count <= byteCountMax, let state = try? ReportJSON.decode(CarriedState.self, from: bytes) else {
      return nil
    }
    let isConsistent = state.workers.allSatisfy {
      $0.segments.count == state.segments.count && $0.peers.count == state.peers.count
    }
    return isConsistent && state.sum != nil ? state : nil
  }

  /// All counts; nil when the sum is beyond what the sums of reports have room for.
  private var sum: UInt64? {
    var counts: [UInt64] = segments.flatMap {
      [$0.history.moveCount, $0.history.freezeCount, $0.history.agedCount, $0.history.refusedCount]
    }
    for worker in workers {
      for each in worker.segments + [worker.none] { counts += Array(each.overlay.values) + Array(each.underlay.values) }
      counts += worker.peers.flatMap { [$0.receivedByteCount, $0.sentByteCount] }
      let batches = worker.batches
      counts += [batches.tapReads, batches.sends, batches.datagramsSent, batches.receives, batches.tapWrites]
    }
    if let handshakes { counts += [handshakes.consumed, handshakes.refused, handshakes.bytes] }
    var sum: UInt64 = 0
    for count in counts {
      let (next, isOver) = sum.addingReportingOverflow(count)
      guard !isOver, next < 1 << 62 else { return nil }
      sum = next
    }
    return sum
  }
}
