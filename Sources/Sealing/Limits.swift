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
  /// Of one process of the peer: the responses to its last two attempts count there.
  static let unprovenPerProcessCountMax = 2
  /// Processes of a peer that are known to be gone.
  static let supersededBootCountMax = 16
  /// Processes of a peer whose highest counter is remembered.
  static let answeredBootCountMax = 32
  /// Initiations of one peer that are answered: 12 in a second at most, of four agreements of keys each, which makes 48
  /// of 50. Those whose sender showed a cookie have a share of their own.
  static let answersPerSecond: UInt64 = 5
  static let answerBurst: UInt64 = 3
  static let cookieAnswersPerSecond: UInt64 = 3
  static let cookieAnswerBurst: UInt64 = 1

  /// Initiations that are opened in a second, of all peers, at 0.4 ms: under a tenth of a core.
  static let initiationsPerSecond: UInt64 = 120
  static let initiationBurst: UInt64 = 30
  static let cookieInitiationsPerSecond: UInt64 = 40
  static let cookieInitiationBurst: UInt64 = 10
  /// Cookies that are given in a second: some microseconds each.
  static let cookieRepliesPerSecond: UInt64 = 1_000
  /// To each address where a peer is: any flood that is not sent in its name leaves them.
  static let peerCookieRepliesPerSecond: UInt64 = 20
  static let peerCookieReplyBurst: UInt64 = 20
  /// Initiations whose repetition is known without opening it: those of 20 s at the highest rate.
  static let recentInitiationCountMax = 4_096
  /// Responses from elsewhere than the attempt went to that are opened.
  static let responsesPerSecond: UInt64 = 30
  static let responseBurst: UInt64 = 10
  /// Responses of one peer that may fail to open: forged ones end no attempt, and cost a percent of a core.
  static let responseFailuresPerSecond: UInt64 = 20
  static let responseFailureBurst: UInt64 = 8

  /// Attempts whose answers still count.
  static let attemptCountMax = 2
  /// How long the lower key's first two attempts keep it from answering.
  static let tieLifetime = Duration.seconds(2)
  static let tieAttemptMax = 2
  /// From this age on an attempt that is not answered when its peer speaks up for the first time went unheard, or the
  /// round trip is longer: then one initiation too many is sent.
  static let unheardAge = Duration.milliseconds(40)
  /// Initiations that are made at once, at 0.4 ms: answers wait no longer than for these.
  static let initiationSliceCount = 30
  /// Attempts after the first, of all peers: under one percent of a core, however many do not answer. Up to a hundred
  /// peers are asked every five seconds.
  static let repeatsPerSecond: UInt64 = 20
  static let repeatBurst: UInt64 = 100
  /// How long an attempt has its time whatever happens: the shortest pause between two.
  static let retryInterval = Duration.milliseconds(800)
  /// Processes of a peer that speak up for the first time while our own goes before theirs, and have it made anew.
  static let repeatedBootCountMax = 4
  /// Initiations that something unusual calls for: at most one in this time and peer.
  static let triggerInterval = Duration.seconds(5)

  static let confirmInterval = Duration.milliseconds(250)
  static let confirmCountMax = 5
  /// How long the responder answers each: all of them, and a round trip of 1.5 s.
  static let confirmAnswerAge = Duration.seconds(3)
  /// Frames received and none sent for so long: a keepalive.
  static let keepaliveInterval = Duration.seconds(10)
  /// Frames sent and nothing received for so long: the peer may have forgotten the session.
  static let silenceMax = Duration.seconds(15)

  /// A probe of a new address that is not answered in this time is forgotten: longer than any round trip.
  static let proofLifetime = Duration.seconds(5)
  /// After so long it is repeated, or another address asked instead.
  static let proofInterval = Duration.seconds(1)

  /// While frames flow what counts as path MTU is confirmed at an age between these, at random: with the tries of a
  /// probe and a search, a black hole is gone after less than 15 s.
  static let pathConfirmTimes = Duration.seconds(4)..<Duration.seconds(5)
  /// The same without frames.
  static let pathIdleConfirmTime = Duration.seconds(30)
  /// After what counts was first asked for in vain: what passes by then counts, however slow the search is. With the
  /// age of the confirmation before, a black hole is gone after less than 15 s at any round trip.
  static let pathTellTime = Duration.seconds(8)
  /// Between two looks at a path because routes change.
  static let pathRecheckInterval = Duration.seconds(5)
  /// Of each peer's share in the time over which probes of all are spread: an answer costs tens of microseconds.
  static let pathSpread = Duration.milliseconds(1)

  /// The secret behind cookies is renewed after this time, and a cookie forgotten.
  static let cookieLifetime = Duration.seconds(120)
  /// An index is not given to another session for so long: twice a session's life.
  static let indexRest = Duration.seconds(360)
}
