import VXLAN

/// Bounds how many answers the agent makes up for inner senders: at most 1 a second for each pair of addresses, 10 for
/// each sender and 100 in all. One for each segment.
///
/// Memory is fixed: a pair or sender whose place another one has taken within the same second gets no answer, so the
/// bounds hold whatever comes.
///
/// *Threads.* One.
package struct AnswerLimiter: Sendable {
  /// Answers within any second.
  package static let perSender: UInt32 = 10
  package static let inAll: UInt32 = 100
  /// Places of each kind, a power of two: ten for each answer of a second.
  private static let placeCount = 1024

  private static let windowNanoseconds: UInt64 = 1_000_000_000

  /// How many answers one key had in the window that is open and in the one before, if that ended when this began.
  ///
  /// Any second touches two windows at most, so a limit on both together holds for every second.
  private struct Place {
    var key: UInt64 = 0
    var start: UInt64 = 0
    var count: UInt32 = 0
    var countBefore: UInt32 = 0

    /// The place at `now`: as it is, one window later, or empty.
    private func moved(to now: Instant) -> Place {
      let age = now.nanoseconds &- start
      if count + countBefore == 0 || age >= 2 * windowNanoseconds { return Place() }
      if age < windowNanoseconds { return self }
      return Place(key: key, start: start + windowNanoseconds, count: 0, countBefore: count)
    }

    /// Whether one more for `key` is within `limit`.
    func allows(_ key: UInt64, now: Instant, limit: UInt32) -> Bool {
      let place = moved(to: now)
      let total = place.count + place.countBefore
      return total == 0 || place.key == key && total < limit
    }

    /// Counts one for `key`, which was allowed.
    mutating func note(_ key: UInt64, now: Instant) {
      self = moved(to: now)
      if count + countBefore == 0 { self = Place(key: key, start: now.nanoseconds) }
      count += 1
    }
  }

  /// When a pair of addresses had its last answer.
  private struct PairPlace {
    var last: UInt64 = 0
    var isUsed = false

    func allows(_ now: Instant) -> Bool { !isUsed || now.nanoseconds &- last >= windowNanoseconds }
  }

  private let hash: KeyedHash
  // Empty until the first answer: most segments never make one.
  private var pairs: [PairPlace] = []
  private var senders: [Place] = []
  private var all = Place()

  /// - Parameter hash: keyed with a secret, so that nobody can choose addresses that share a place.
  package init(hash: KeyedHash) {
    self.hash = hash
  }

  /// Whether an answer to `source` about what it sent to `destination` may go now; it then counts.
  package mutating func takes(from source: IPAddress, to destination: IPAddress, now: Instant) -> Bool {
    if pairs.isEmpty {
      pairs = Array(repeating: PairPlace(), count: Self.placeCount)
      senders = Array(repeating: Place(), count: Self.placeCount)
    }
    let sender = key(source, 1)
    let pair = hash(sender, key(destination, 2))
    let senderPlace = Int(truncatingIfNeeded: sender) & (Self.placeCount - 1)
    let pairPlace = Int(truncatingIfNeeded: pair) & (Self.placeCount - 1)
    guard all.allows(0, now: now, limit: Self.inAll),
      senders[senderPlace].allows(sender, now: now, limit: Self.perSender),
      pairs[pairPlace].allows(now)
    else { return false }
    all.note(0, now: now)
    senders[senderPlace].note(sender, now: now)
    pairs[pairPlace] = PairPlace(last: now.nanoseconds, isUsed: true)
    return true
  }

  private func key(_ address: IPAddress, _ role: UInt64) -> UInt64 {
    hash(hash(address.high, address.low), address.family == .ipv4 ? role : role + 2)
  }
}
