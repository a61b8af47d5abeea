import VXLAN

/// One of the frames that ended, told to somebody who listens.
package struct DroppedFrame: Equatable, Sendable {
  package var reason: DropReason
  /// Where it came from.
  package var direction: Direction
  /// Its source; nil where no inner frame was looked at.
  package var mac: MACAddress?
  /// The slot of its segment; nil: it named none that there is.
  package var segment: Int?
  /// The slot of the peer that it came from, or was going to, where that is known.
  package var peer: Int?
  package var time: Instant

  package init(
    reason: DropReason, direction: Direction, mac: MACAddress? = nil, segment: Int? = nil, peer: Int? = nil,
    time: Instant
  ) {
    self.reason = reason
    self.direction = direction
    self.mac = mac
    self.segment = segment
    self.peer = peer
    self.time = time
  }
}
