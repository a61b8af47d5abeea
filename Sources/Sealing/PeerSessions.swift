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
  /// Oldest first, one per process of the peer.
  var unproven: [Session] = []

  /// Initiations that may still be answered, the latest last.
  var attempts: [SessionAttempt] = []
  /// Attempts since there was reason to initiate.
  var attemptNumber = 0
  /// When to initiate; nil while there is no reason to.
  var nextAttemptAt: Instant?
  var lastAttemptAt: Instant?
  /// What the peer gave to be shown with the next initiations.
  var cookie: (cookie: Cookie, until: Instant)?

  var boots = BootHistory()
  /// The second that answers were last counted in, and how many there were.
  var answers: (since: Instant, count: Int)?

  /// How often and when next to say that the current session is there.
  var confirm: (count: Int, at: Instant)?
  var marks = TrafficMarks(counting: .init(sent: 0, received: 0, receivedControl: 0))
  var proof: EndpointProof?

  private(set) var actions: [SessionAction] = []

  /// A peer without sessions, which is initiated to at the next `advance`.
  init(_ publicKey: PublicKey, at endpoint: Endpoint, local: LocalEnd, now: Instant) {
    self.publicKey = publicKey
    self.local = local
    configured = endpoint
    self.endpoint = endpoint
    nextAttemptAt = now
  }

  /// All sessions that receive.
  var sessions: [Session] { [current, previous].compactMap { $0 } + unproven }

  /// The earliest time at which `advance` has something to do that is known now.
  var deadline: Instant? {
    let ends = [current, previous].compactMap { $0?.endsAt } + unproven.map { $0.derivedAt + Limits.unprovenLifetime }
    let replacement = nextAttemptAt ?? current?.rekeyAt
    return (ends + [replacement, confirm?.at].compactMap { $0 }).min()
  }

  func takeActions() -> [SessionAction] {
    defer { actions = [] }
    return actions
  }

  func perform(_ action: SessionAction) { actions.append(action) }

  /// Does what is due at `now`.
  func advance(to now: Instant) {
    if let proven = unproven.last(where: \.opening.isProven) { promote(proven, now: now) }
    endSessions(now: now)
    sampleTraffic(now: now)
    sendConfirm(now: now)
    if nextAttemptAt == nil, current?.wantsReplacement(now: now) == true { nextAttemptAt = now }
    if let due = nextAttemptAt, due <= now { initiate(now: now) }
  }

  /// Ends everything, for a peer that is removed or a key that is no longer ours.
  func endAll(now: Instant) {
    for session in sessions { retire(session, now: now) }
    for attempt in attempts { local.indexes.release(attempt.handshake.index, now: now) }
    (current, previous, unproven, attempts) = (nil, nil, [], [])
    (nextAttemptAt, confirm) = (nil, nil)
    perform(.seal(nil, to: publicKey))
  }
}
