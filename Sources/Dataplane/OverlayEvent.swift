import VXLAN

/// Something that happened to an address of a segment and that an operator may want to hear of.
package struct OverlayEvent: Equatable, Sendable {
  package enum Kind: String, CaseIterable, Sendable {
    /// A new dynamic entry.
    case learned
    /// A dynamic entry points elsewhere now.
    case moved
    /// A dynamic entry went: no frame came from the address for the ageing time.
    case aged
    /// An address moved too often, and its entry is frozen.
    case flapping
    /// A frame came back that was written to the TAP.
    case loop

    /// Somebody is to look at it, whoever listens: the ring keeps places for it, and the log has it too.
    package var isAlarm: Bool { self == .flapping || self == .loop }
  }

  package var kind: Kind
  package var mac: MACAddress
  /// The slot of the segment.
  package var segment: Int
  /// The slot of the peer that the address is at now, or was learned from; nil: behind the own TAP.
  package var peer: Int?
  package var time: Instant

  package init(_ kind: Kind, mac: MACAddress, segment: Int, peer: Int?, time: Instant) {
    self.kind = kind
    self.mac = mac
    self.segment = segment
    self.peer = peer
    self.time = time
  }
}
