import VXLAN

/// Bounds how many answers the agent makes up for inner senders: at most 1 a second for each pair of addresses, 10 for
/// each sender and 100 in all. One for each segment.
///
/// Memory is fixed: a pair or sender whose place another one has taken within the same second gets no answer, so the
/// bounds hold whatever comes.
///
/// *Threads.* One.
package struct AnswerLimiter: Sendable {
  /// Answers within a second.
  package static let perPair: UInt32 = 1
  package static let perSender: UInt32 = 10
  package static let inAll: UInt32 = 100
  /// Places of each kind, a power of two: ten for each answer of a second.
  private static let placeCount = 1024

  private static let windowNanoseconds: UInt64 = 1_000_000_000

  /// How many answers one key had in the second that began with the first of them.
  private struct Place {
    var key: UInt64 = 0
    var start: UInt64 = 0
    var count: UInt32 = 0

    private func isOpen(_ now: Instant) -> Bool {
      count > 0 && now.nanoseconds &- start < AnswerLimiter.windowNanoseconds
    }

    /// Whether one more for `key` is within `limit`.
    func allows(_ key: UInt64, now: Instant, limit: UInt32) -> Bool {
      !isOpen(now) || self.key == key && count < limit
    }

    /// Counts one for `key`, which was allowed.
    mutating func note(_ key: UInt64, now: Instant) {
      if isOpen(now) {
        count += 1
      } else {
        self = Place(key: key, start: now.nanoseconds, count: 1)
      }
    }
  }

  private let hash: KeyedHash
  // Empty until the first answer: most segments never make one.
  private var pairs: [Place] = []
  private var senders: [Place] = []
  private var all = Place()

  /// - Parameter hash: keyed with a secret, so that nobody can choose addresses that share a place.
  package init(hash: KeyedHash) {
    self.hash = hash
  }

  /// Whether an answer to `source` about what it sent to `destination` may go now; it then counts.
  package mutating func takes(from source: IPAddress, to destination: IPAddress, now: Instant) -> Bool {
    if pairs.isEmpty {
      pairs = Array(repeating: Place(), count: Self.placeCount)
      senders = pairs
    }
    let sender = key(source, 1)
    let pair = hash(sender, key(destination, 2))
    let senderPlace = Int(truncatingIfNeeded: sender) & (Self.placeCount - 1)
    let pairPlace = Int(truncatingIfNeeded: pair) & (Self.placeCount - 1)
    guard all.allows(0, now: now, limit: Self.inAll),
      senders[senderPlace].allows(sender, now: now, limit: Self.perSender),
      pairs[pairPlace].allows(pair, now: now, limit: Self.perPair)
    else { return false }
    all.note(0, now: now)
    senders[senderPlace].note(sender, now: now)
    pairs[pairPlace].note(pair, now: now)
    return true
  }

  private func key(_ address: IPAddress, _ role: UInt64) -> UInt64 {
    hash(hash(address.high, address.low), address.family == .ipv4 ? role : role + 2)
  }
}
