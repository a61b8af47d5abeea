import VXLAN

/// What an agent counted until one moment: of two of them `vtep top` makes rates.
package struct TopSample: Equatable, Sendable {
  /// On the reader's monotonic clock.
  package var time: Instant
  package var status: StatusReport
  package var segments: [SegmentReport]
  package var peers: [PeerReport]
  package var drops: DropsReport

  package init(
    time: Instant, status: StatusReport, segments: [SegmentReport], peers: [PeerReport], drops: DropsReport
  ) {
    self.time = time
    self.status = status
    self.segments = segments
    self.peers = peers
    self.drops = drops
  }

  /// Whether `earlier` is of another run of the agent, whose counters say nothing of this one's.
  func isRestart(after earlier: TopSample) -> Bool {
    status.pid != earlier.status.pid || status.uptimeSeconds < earlier.status.uptimeSeconds
  }
}
