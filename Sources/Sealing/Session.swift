import VXLAN

/// One session with a peer: its two keys, and what their age and use demand. Belongs to the control thread; the keys
/// are shared with the workers.
package final class Session {
  /// Nil once a newer session sends instead.
  package private(set) var sealing: SealingKey?
  package let opening: OpeningKey
  /// Whether this side initiated it, and so replaces it.
  package let isInitiator: Bool
  package let derivedAt: Instant
  /// When this side replaces it, unless the other did before.
  let rekeyAt: Instant
  /// The peer's process that initiated it, where that was the peer.
  let bootID: UInt64?
  /// The counter of the control message that last asked for a change of the peer's address: only higher ones may.
  var lastMoveCounter: UInt64?

  package var cipher: Cipher { opening.cipher }
  /// How this side names it.
  package var index: UInt32 { opening.index }
  /// From here on it neither sends nor receives.
  package let endsAt: Instant
  /// Whether it has to close now: too many datagrams did not open.
  var isExhausted: Bool { opening.isExhausted }

  init(
    _ keys: (sealing: SealingKey, opening: OpeningKey), isInitiator: Bool, bootID: UInt64?, life: KeyLife,
    now: Instant, _ entropy: inout any Entropy
  ) {
    sealing = keys.sealing
    opening = keys.opening
    self.isInitiator = isInitiator
    self.bootID = bootID
    derivedAt = now
    endsAt = now + life.end
    let ages = life.rekeyAges
    let age = ages.lowerBound.nanosecondCount..<ages.upperBound.nanosecondCount
    rekeyAt = now + (isInitiator ? .nanoseconds(Int64(entropy.next(in: age))) : life.takeoverAge)
  }

  /// Whether it is old, or was used so often, that a new one is to take its place.
  func wantsReplacement(now: Instant) -> Bool {
    now >= rekeyAt || (sealing?.sealedCount ?? 0) >= Limits.frameCountMax
  }

  /// Lets go of the key to send with.
  func stopSending() { sealing = nil }
}
