import VXLAN

/// Whether packets of one size pass: asked several times, and beside it with small probes, which pass if anything does.
///
/// A size does not pass when it was asked for often enough, no answer came, and small ones were answered. Each small
/// one that is lost too takes one more try, so that a path that loses packets is not taken for a small one; and where
/// none is answered, nothing is found out.
struct PathTrial {
  /// What is to be done.
  enum Step: Equatable {
    case wait
    case ask(withReference: Bool)
    /// The size does not pass.
    case fail
  }

  /// Tries of a size without an answer.
  /// - SeeAlso: RFC 8899, section 5.1.2, MAX_PROBES.
  static let tryCountMin = 3
  /// When it is asked for once more what one trial has already found not to pass.
  static let secondTryCountMin = 5
  private static let spacings = Duration.milliseconds(200)...Duration.seconds(1)
  private static let spacingDefault = Duration.milliseconds(500)
  /// How long an answer is waited for: 1 s at least, whatever the round trip.
  /// - SeeAlso: RFC 8899, section 5.1.1, PROBE_TIMER.
  private static let patiences = Duration.seconds(1)...Duration.seconds(3)
  /// From so many tries on, with hardly a small one answered, they come by seconds, and then by several.
  private static let slowTryCount = 8
  private static let rareTryCount = 30
  /// From so many on in any case.
  private static let tryCountMax = 60
  private static let rareSpacing = Duration.seconds(5)

  /// Of the IP packet.
  let byteCount: Int
  /// Whether it is asked for more although less was found to be all.
  let isRaise: Bool
  private let tryCountMin: Int
  private let startsAt: Instant
  private(set) var tryCount = 0
  private var referenceCount = 0
  private var answeredReferenceCount = 0
  private(set) var askedFirstAt = Instant(nanoseconds: 0)
  private var askedAt = Instant(nanoseconds: 0)

  init(_ byteCount: Int, at start: Instant, tryCountMin: Int = PathTrial.tryCountMin, isRaise: Bool = false) {
    self.byteCount = byteCount
    self.isRaise = isRaise
    self.tryCountMin = tryCountMin
    startsAt = start
  }

  private var isAskedEnough: Bool {
    tryCount >= tryCountMin + referenceCount - answeredReferenceCount && answeredReferenceCount > 0
  }

  /// When `step` has something else to say than to wait, if nothing comes before.
  func deadline(roundTrip: Duration?) -> Instant {
    guard tryCount > 0 else { return startsAt }
    let patience = (roundTrip ?? .zero) * 3
    if isAskedEnough { return askedAt + patience.clamped(to: Self.patiences) }
    let isAlmostDead = answeredReferenceCount * 4 < referenceCount
    if tryCount >= Self.tryCountMax || isAlmostDead && tryCount >= Self.rareTryCount {
      return askedAt + Self.rareSpacing
    }
    if isAlmostDead && tryCount >= Self.slowTryCount { return askedAt + patience.clamped(to: Self.patiences) }
    return askedAt + (roundTrip.map { $0 * 2 } ?? Self.spacingDefault).clamped(to: Self.spacings)
  }

  func step(now: Instant, roundTrip: Duration?) -> Step {
    guard now >= deadline(roundTrip: roundTrip) else { return .wait }
    return isAskedEnough ? .fail : .ask(withReference: tryCount > 0)
  }

  mutating func noteAsked(withReference: Bool, now: Instant) {
    if tryCount == 0 { askedFirstAt = now }
    tryCount += 1
    if withReference { referenceCount += 1 }
    askedAt = now
  }

  /// A small probe was answered. One of an earlier trial, which was sent before this one began, does not count.
  mutating func noteReferenceAnswered(sentAt: Instant) {
    if tryCount > 0, sentAt > askedFirstAt { answeredReferenceCount += 1 }
  }
}

extension Duration {
  fileprivate func clamped(to range: ClosedRange<Duration>) -> Duration {
    min(range.upperBound, max(range.lowerBound, self))
  }
}
