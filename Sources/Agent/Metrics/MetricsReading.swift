/// What an agent tells of itself at one moment, for those who scrape it: named by VNI and peer, never by a place in a
/// table.
///
/// What is nil or empty could not be read, or does not exist; it is then left out, never zero.
package struct MetricsReading: Sendable {
  /// Frames of one segment and direction, as `FrameCounts` has them for all.
  struct Traffic: Sendable {
    /// Nil: frames of no segment.
    var vni: UInt32?
    var direction: String
    var counts: FrameCounts
    /// Of the frames that came, or were sent on, without encapsulation.
    var byteCountOut: UInt64
    var drops: [(reason: String, count: UInt64)]
  }

  struct Segment: Sendable {
    var vni: UInt32
    var tap: String
    var isTAPUp: Bool
    var dynamicEntryCount: Int
    var staticEntryCount: Int
    var fdbLimit: Int
    var moveCount: UInt64
    var agedCount: UInt64
    var flappingCount: UInt64
    var refusedCount: UInt64
    var neighborCount: Int
    var groupCount: Int
    var overlayMTU: Int
    /// Whether the configured MTU still fits; true where it follows the underlay.
    var fitsMTU: Bool
  }

  struct Peer: Sendable {
    var name: String
    var receivedByteCount: UInt64
    var sentByteCount: UInt64
    /// Seconds since 1970; nil: never.
    var lastReceive: Double?
    var pathMTU: Int
    /// Nil for a peer without keys, and while nobody can tell.
    var session: Session?
  }

  struct Session: Sendable {
    var state: PeerReport.Session
    var keyAgeSeconds: Double?
    /// Sessions that came into use.
    var count: UInt64
  }

  /// What only workers know: nil while one of them does not answer, so that no sum goes back.
  struct Counted: Sendable {
    var traffic: [Traffic]
    /// By worker, of both directions.
    var workerFrames: [UInt64]
    var batches: BatchReport
    /// By direction.
    var kernelDrops: [(direction: String, count: UInt64)]
    var peers: [Peer]
  }

  var isReady: Bool
  var workerCount: Int
  /// Numbers of the workers that make no progress.
  var stalledWorkers: [Int]
  var counted: Counted?
  var segments: [Segment]
  /// Of all peers, those without keys as `none`; empty while the sessions' thread does not answer.
  var sessionCounts: [PeerReport.Session: Int]
  /// Nil without sessions to have.
  var areSessionsStalled: Bool?
  /// Handshakes that were offered; nil without sessions to have.
  var handshakes: (accepted: UInt64, refused: UInt64)?
  /// Each offload by name, as in `vtep status`.
  var offloads: [String: String]
  /// Events that nobody could be told of.
  var lostEventCount: UInt64
  var process: ProcessReading?
  /// Sealed datagrams that were compared with what had been sealed, and those that showed it; nil without sessions to
  /// have.
  var leaks: (checks: UInt64, failures: UInt64)?
}
