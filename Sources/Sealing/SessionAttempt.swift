import VXLAN

/// An initiation that was sent and may still be answered. Belongs to the control thread.
final class SessionAttempt {
  let handshake: InitiatorHandshake
  /// 1 for the first since there was reason to initiate.
  let number: Int
  let sentAt: Instant
  let destination: Endpoint

  init(_ handshake: consuming InitiatorHandshake, number: Int, sentAt: Instant, destination: Endpoint) {
    self.handshake = handshake
    self.number = number
    self.sentAt = sentAt
    self.destination = destination
  }
}
