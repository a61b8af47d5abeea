/// Where an entry of the forwarding table points: behind the own TAP, or at a remote VTEP.
///
/// A remote VTEP is named by its slot in the list of peers; the table knows nothing else of it.
package struct Remote: Hashable, Sendable {
  /// Behind the own TAP.
  package static let local = Remote(rawValue: 0)

  /// 0 is local; n + 1 is the peer in slot n.
  package let rawValue: UInt16

  @inlinable
  init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  /// The peer in `slot`, 0...65,534.
  @inlinable
  package static func peer(_ slot: Int) -> Remote {
    Remote(rawValue: UInt16(slot + 1))
  }

  @inlinable
  package var isLocal: Bool { rawValue == 0 }

  /// The slot of the peer; nil when local.
  @inlinable
  package var peerSlot: Int? { rawValue == 0 ? nil : Int(rawValue) - 1 }
}
