import VXLAN

/// The ephemeral keys of the initiations that were opened last: who sends one of them again repeats it, or forges one
/// from a recording, and is refused before anything is computed. One owner, one thread.
///
/// The key rather than `mac1`, because it is new in every initiation, and all of the encryption depends on it: a
/// message with the same key and another `mac1` cannot be authentic.
struct RecentInitiations {
  private var keys: Set<PublicKey> = []
  /// A ring, the oldest at `next` once it is full.
  private var order: [PublicKey] = []
  private var next = 0

  /// Whether the initiation was opened before.
  func contains(_ initiation: HandshakeMessage) -> Bool {
    Self.key(of: initiation).map { keys.contains($0) } ?? false
  }

  /// Remembers an initiation that is authentic; the oldest is forgotten for it.
  mutating func note(_ initiation: HandshakeMessage) {
    guard let key = Self.key(of: initiation), keys.insert(key).inserted else { return }
    if order.count < Limits.recentInitiationCountMax {
      order.append(key)
      return
    }
    keys.remove(order[next])
    order[next] = key
    next = (next + 1) % order.count
  }

  private static func key(of initiation: HandshakeMessage) -> PublicKey? {
    PublicKey(beforeAgreement: Array(initiation.noise.prefix(PublicKey.byteCount)).span)
  }
}
