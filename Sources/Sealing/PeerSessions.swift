import VXLAN

/// The sessions with one peer, and the handshakes that make them. Belongs to the control thread.
///
/// *Slots.* `current` sends and receives; `previous` receives; unproven sessions, which the peer initiated, receive
/// until their first authentic datagram makes one of them current.
///
/// It makes no system call and reads no clock: what happens comes in with its time, what is to be done goes out as
/// `SessionAction`s.
final class PeerSessions {
  let publicKey: PublicKey
  let local: LocalEnd
  let configured: Endpoint
  /// Where datagrams to the peer go.
  var endpoint: Endpoint

  var current: Session?
  var previous: Session?
  /// Oldest first, two at most per process of the peer.
  var unproven: [Session] = []

  /// Initiations that may still be answered, the latest last.
  var attempts: [SessionAttempt] = []
  /// Attempts since there was reason to initiate.
  var attemptNumber = 0
  /// When to initiate; nil while there is no reason to.
  var nextAttemptAt: Instant?
  var lastAttemptAt: Instant?
  /// Whether the attempt that is due waits for the others' budget.
  var isPutOff = false
  /// The processes of the peer for which an attempt was made anew since the last session.
  var repeatedFor: [UInt64] = []
  /// The attempt that was made sooner because the route had changed.
  var retriedNumber: Int?
  /// What the peer gave to be shown with the next initiations.
  var cookie: (cookie: Cookie, until: Instant)?

  var boots = BootHistory()
  /// What is answered of the peer's initiations, without a cookie and with one.
  var answers = TokenBucket(perSecond: Limits.answersPerSecond, burst: Limits.answerBurst)
  var cookieAnswers = TokenBucket(perSecond: Limits.cookieAnswersPerSecond, burst: Limits.cookieAnswerBurst)
  /// Responses that may fail to open.
  var responseFailures = TokenBucket(perSecond: Limits.responseFailuresPerSecond, burst: Limits.responseFailureBurst)

  /// How often and when next to say that the current session is there, and where its response came from.
  var confirm: (count: Int, at: Instant, to: Endpoint, roundTrip: Duration)?
  /// Whether the attempts under way are only because nothing came on the current session.
  var isProofOverdue = false
  /// When the current session became that.
  var currentSince = Instant(nanoseconds: 0)
  /// How often a session became the current one.
  var sessionCount: UInt64 = 0
  var marks = TrafficMarks(counting: .init(sent: 0, received: 0, receivedControl: 0))
  var proof: EndpointProof?
  var path: PathProbing
  /// Another number after plain frames were sent to the peer.
  var plainFrameMark: UInt64 = 0

  private(set) var actions: [SessionAction] = []

  /// A peer without sessions, which is initiated to at the next `advance`.
  init(
    _ publicKey: PublicKey, at endpoint: Endpoint, local: LocalEnd, pathRaiseInterval: Duration, now: Instant
  ) {
    self.publicKey = publicKey
    self.local = local
    configured = endpoint
    self.endpoint = endpoint
    path = PathProbing(family: endpoint.address.family, raiseInterval: pathRaiseInterval)
    nextAttemptAt = now
  }

  /// All sessions that receive.
  var sessions: [Session] { [current, previous].compactMap { $0 } + unproven }

  /// The session with this name.
  func session(_ index: UInt32) -> Session? {
    if let current, current.index == index { return current }
    if let previous, previous.index == index { return previous }
    return unproven.first { $0.index == index }
  }

  /// The earliest time at which `advance` has something to do that is known now.
  var deadline: Instant? {
    var earliest = Instant(nanoseconds: .max)
    if let current { earliest = min(earliest, current.endsAt) }
    if let previous { earliest = min(earliest, previous.endsAt) }
    if let oldest = unproven.first { earliest = min(earliest, oldest.derivedAt + Limits.unprovenLifetime) }
    if !isPutOff, let replacement = nextAttemptAt ?? current?.rekeyAt { earliest = min(earliest, replacement) }
    if let confirm { earliest = min(earliest, confirm.at) }
    if current != nil, let due = path.deadline { earliest = min(earliest, due) }
    return earliest == Instant(nanoseconds: .max) ? nil : earliest
  }

  /// Moves what is to be done to the end of `all`.
  func moveActions(to all: inout [SessionAction]) {
    guard !actions.isEmpty else { return }
    all += actions
    actions = []
  }

  func perform(_ action: SessionAction) { actions.append(action) }

  /// Takes note of what workers saw and ends what is over. It comes before anything that happens to the peer, so that
  /// a late call finds no session that ended meanwhile. Nothing is initiated, since a response to the attempt before
  /// the last may be what happens.
  func settle(to now: Instant) {
    promoteProven(now: now)
    endSessions(now: now)
  }

  /// Does what is due at `now`, but for initiating: `isAttemptDue`.
  func advance(to now: Instant) {
    settle(to: now)
    sampleTraffic(now: now)
    sendConfirm(now: now)
    if nextAttemptAt == nil, current?.wantsReplacement(now: now) == true { nextAttemptAt = now }
    probePath(now: now)
  }

  func isAttemptDue(now: Instant) -> Bool { nextAttemptAt.map { $0 <= now } ?? false }

  /// What is to be told about the peer.
  func status(now: Instant) -> SessionStatus {
    SessionStatus(
      state: current != nil ? .up : attempts.isEmpty && unproven.isEmpty ? .none : .handshake, cipher: current?.cipher,
      keyAge: current.map { now.since($0.derivedAt) }, endpoint: endpoint, handshakeCount: sessionCount,
      isPathProbed: path.isProbed)
  }

  /// Ends everything, for a peer that is removed or a key that is no longer ours.
  func endAll(now: Instant) {
    for session in sessions { retire(session, now: now) }
    for attempt in attempts { local.indexes.release(attempt.handshake.index, now: now) }
    (current, previous, unproven, attempts) = (nil, nil, [], [])
    (nextAttemptAt, confirm, proof) = (nil, nil, nil)
    perform(.seal(nil, to: publicKey))
  }
}
