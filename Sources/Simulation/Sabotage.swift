/// What a test breaks in a world, once, to see that somebody notices.
package enum Sabotage: String, CaseIterable, Sendable {
  /// A sealed frame leaves its host in clear, too.
  case leak
  /// A host sends a sealed datagram again as if it had sealed it anew.
  case repeatNonce
  /// What a TAP of a sealed segment gets it gets again.
  case repeatDelivery
  /// What a TAP gets comes out of that of another segment.
  case otherSegment
  /// A byte of what a TAP gets is another.
  case alter
  /// A datagram that was counted as come never reaches the agent.
  case losesCount
  /// No agent forgets what is old.
  case noAgeing
  /// A table keeps a way to a peer that has left.
  case keepsDeparted
  /// No agent hears what a path takes.
  case ignoresPath
  /// A wire stays cut when all faults have ended.
  case keepsCut
  /// One more frame in a thousand is lost when all faults have ended.
  case keepsLosing

  /// What is broken by it.
  package var breaks: Invariant {
    switch self {
    case .leak: .clear
    case .repeatNonce: .nonce
    case .repeatDelivery: .twice
    case .otherSegment: .segment
    case .alter: .madeUp
    case .losesCount: .accounting
    case .noAgeing: .stale
    case .keepsDeparted: .departed
    case .ignoresPath: .path
    case .keepsCut: .connectivity
    case .keepsLosing: .lost
    }
  }
}
