/// What a running agent says of a frame or datagram that it has captured, beside its reason.
package struct AgentNote: Equatable, Sendable {
  /// To the overlay; else from it.
  package var isIncoming: Bool
  /// The name of the peer; nil: none that is known, or several.
  package var peer: String?
  /// It was shown before, when it went on its way.
  package var isRepeated = false
  /// The agent took note of it, and nobody gets it.
  package var isConsumed = false
  /// Frames that it stands for: more than one in a superframe.
  package var frameCount = 1
  /// Of a superframe, the payload of each frame but the last; else 0.
  package var segmentByteCount = 0
  /// The transport checksum is that of the pseudo-header only.
  package var hasPartialChecksum = false

  package init(isIncoming: Bool, peer: String?) {
    (self.isIncoming, self.peer) = (isIncoming, peer)
  }
}
