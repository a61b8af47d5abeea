/// Our own bounds and times, each with its reason. docs/sealing-format.md has those that the other side sees.
enum Limits {
  /// A session neither sends nor receives from this age on.
  static let sessionLifetime = Duration.seconds(180)
  /// The initiator of a session replaces it at an age between these, at random, so that not all hosts do it at once.
  static let rekeyAges = Duration.seconds(115)..<Duration.seconds(120)
  /// The responder replaces a session at this age: its initiator did not.
  static let takeoverAge = Duration.seconds(140)
  /// So many frames on all lanes, and the session is replaced: far below what AES-GCM bears.
  static let frameCountMax: UInt64 = 1 << 32

  /// How long an answered initiation may wait for the first frame that proves it.
  static let unprovenLifetime = Duration.seconds(10)
  static let unprovenCountMax = 4
  /// Processes of a peer that are known to be gone.
  static let supersededBootCountMax = 16
  /// Initiations of one peer that are answered in a second: four agreements of keys each, 50 a second.
  static let answersPerSecond = 12

  /// Attempts whose answers still count.
  static let attemptCountMax = 2
  /// How long the lower key's first two attempts keep it from answering.
  static let tieLifetime = Duration.seconds(2)
  static let tieAttemptMax = 2
  /// Initiations that something unusual calls for: at most one in this time and peer.
  static let triggerInterval = Duration.seconds(5)

  static let confirmInterval = Duration.milliseconds(250)
  static let confirmCountMax = 5
  /// Frames received and none sent for so long: a keepalive.
  static let keepaliveInterval = Duration.seconds(10)
  /// Frames sent and nothing received for so long: the peer may have forgotten the session.
  static let silenceMax = Duration.seconds(15)

  /// A probe of a new address that is not answered in this time is forgotten, and another may be sent.
  static let proofLifetime = Duration.seconds(1)

  /// The secret behind cookies is renewed after this time, and a cookie forgotten.
  static let cookieLifetime = Duration.seconds(120)
  /// An index is not given to another session for so long: twice a session's life.
  static let indexRest = Duration.seconds(360)
}
