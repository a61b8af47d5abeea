import VXLAN

/// A probe on its way to an address from which a peer spoke, whose answer from there proves that the peer is there.
struct EndpointProof {
  let candidate: Endpoint
  let token: UInt64
  /// When it was first sent, and last.
  let sentAt: Instant
  var askedAt: Instant

  /// Whether an answer still counts.
  func isPending(now: Instant) -> Bool { now < sentAt + Limits.proofLifetime }
}
