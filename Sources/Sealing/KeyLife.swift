import VXLAN

/// How long the keys of a session live: 180 s, and in tests that cannot wait for that less, never more.
///
/// - SeeAlso: docs/sealing-format.md, "Sessions".
package struct KeyLife: Equatable, Sendable {
  /// What every agent has.
  package static let standard = KeyLife(
    rekeyAges: Limits.rekeyAges, takeoverAge: Limits.takeoverAge, end: Limits.sessionLifetime)
  /// Below that the repetition of an initiation would come after the end.
  package static let secondsMin = 3

  /// The initiator of a session replaces it at an age between these, at random.
  let rekeyAges: Range<Duration>
  /// The responder replaces a session at this age: its initiator did not.
  let takeoverAge: Duration
  /// From this age on a session neither sends nor receives.
  package let end: Duration

  /// A life that is shorter than the standard one, with all of its ages in proportion. Nil below `secondsMin`, and for
  /// any life that would not be shorter.
  package init?(seconds: Int) {
    guard seconds >= Self.secondsMin, .seconds(seconds) < Limits.sessionLifetime else { return nil }
    func shortened(_ age: Duration) -> Duration { age * seconds / Limits.sessionLifetime.components.seconds }
    self.init(
      rekeyAges: shortened(Limits.rekeyAges.lowerBound)..<shortened(Limits.rekeyAges.upperBound),
      takeoverAge: shortened(Limits.takeoverAge), end: shortened(Limits.sessionLifetime))
  }

  private init(rekeyAges: Range<Duration>, takeoverAge: Duration, end: Duration) {
    self.rekeyAges = rekeyAges
    self.takeoverAge = takeoverAge
    self.end = end
  }
}
