import VXLAN

/// The largest IP packet that reaches one peer whole, found by asking the peer itself: datagram packetization layer
/// path MTU discovery. Pure: time and randomness are arguments, probes go out as values.
///
///     route's MTU --- answered ------------------------------> settled, confirmed every few seconds of traffic
///        |                                                     ^  |  |
///        '-- not answered --> first --> common --> exact ------'  |  '-- from time to time 1 more is asked for
///                               ^                                 |
///                               '--- not confirmed: black hole ---'
///
/// Until something is known the route's MTU counts. In a black hole the first size that passes is not told, because
/// inner senders would keep it for ten minutes: what is told is the largest common size that passes, and then what is
/// better; but where answers take so long that this would be late, what passes by then.
///
/// Nothing but an answer with the random token of a probe raises or confirms, and nothing but its absence lowers: no
/// ICMP message is looked at.
/// - SeeAlso: RFC 8899; design "Path MTU".
struct PathProbing {
  /// A probe to be sent.
  struct Probe: Equatable {
    /// Of the IP packet.
    let byteCount: Int
    let token: UInt64
  }

  /// The path MTU is another, or found for good.
  struct Change: Equatable {
    let pathMTU: Int
    /// Whether nothing more is asked for at the moment.
    let isSettled: Bool
  }

  private struct Outstanding {
    let probe: Probe
    let sentAt: Instant
  }

  /// A small one: the smallest that a probe with the longest tag can be, in a round number.
  static let referenceByteCount = 128
  private static let outstandingCountMax = 32
  private static let furtherTryCountMax = 6
  /// Later than that an answer tells of a path of the past.
  private static let answerTimeMax = Duration.seconds(10)
  private static let never = Instant(nanoseconds: .max)

  private let family: AddressFamily
  /// What the route takes; nil: nothing is known, and nothing asked.
  private(set) var ceiling: Int?
  /// What counts.
  private(set) var pathMTU: Int?
  private(set) var isSettled = false
  /// What was found by asking at last. It outlives a route that takes less.
  private var probed: Int?

  /// The largest that was answered on this path; 0: none.
  private var confirmed = 0
  /// When the probe left that was answered last.
  private var confirmedAt = Instant(nanoseconds: 0)
  /// What was not, the least last: all above `confirmed`.
  private var failed: [Int] = []
  /// Whether the last of them was asked for a second time.
  private var isLastFailureCertain = false
  /// Tries that a trial has beyond the usual, since sizes that pass have needed several: the path loses packets.
  private var furtherTryCount = 0
  private var trial: PathTrial?
  private var outstanding: [Outstanding] = []
  private var roundTrip: Duration?

  /// No sooner is what counts confirmed, and only if frames went; later in any case.
  private var confirmsAt = never
  private var confirmsIdleAt = never
  private var raisesAt: Instant?
  private var raisePause: RaisePause
  /// From when on what passes is told, if the search has not come to it.
  private var tellsAt = never
  private var recheckedAt: Instant?
  private var frameCount: UInt64 = 0
  private var change: Change?

  /// - Parameter raiseInterval: how long to rest at most before it is asked for more.
  init(family: AddressFamily, raiseInterval: Duration) {
    self.family = family
    raisePause = RaisePause(longest: raiseInterval)
  }

  /// Rests no longer than that, from the next rest on, before it is asked for more.
  mutating func setRaiseInterval(_ interval: Duration) { raisePause.setLongest(interval) }

  /// Whether what counts was found by asking.
  var isProbed: Bool { pathMTU != nil && pathMTU == probed }

  /// The route takes `byteCount` now. Another value starts the search anew, at `start`; less counts at once.
  mutating func setCeiling(_ byteCount: Int, startingAt start: Instant) {
    guard byteCount != ceiling else { return }
    ceiling = byteCount
    let next = min(byteCount, probed ?? byteCount)
    if next != pathMTU { tell(next, isSettled: false) }
    restart(at: start)
  }

  /// What another process has found by asking. Before there is a ceiling: it counts until this one has asked.
  mutating func recall(_ byteCount: Int) {
    if ceiling == nil { probed = byteCount }
  }

  /// Another path: nothing is known of it but the route's MTU. What counted counts until more is known.
  mutating func restart(at start: Instant) {
    guard let ceiling else { return }
    (confirmed, failed, furtherTryCount, isLastFailureCertain) = (0, [], 0, false)
    (outstanding, raisesAt, confirmsAt, confirmsIdleAt) = ([], nil, Self.never, Self.never)
    tellsAt = Self.never
    // What is taken to pass needs no asking.
    isSettled = ceiling <= PathSizes.floor(family)
    trial = isSettled ? nil : PathTrial(ceiling, at: start)
  }

  /// The path may be another. What counts is confirmed and asked for more; not more often than every few seconds.
  mutating func recheck(at start: Instant) {
    guard isSettled, recheckedAt ?? start <= start else { return }
    let time = max(start, recheckedAt.map { $0 + Limits.pathRecheckInterval } ?? start)
    recheckedAt = time
    if confirmsIdleAt != Self.never { confirmsIdleAt = min(confirmsIdleAt, time) }
    raisesAt = raisesAt.map { min($0, time) }
  }

  /// The earliest time at which `advance` has something to do, but for confirming because of traffic.
  var deadline: Instant? {
    guard ceiling != nil else { return nil }
    if let trial { return min(trial.deadline(roundTrip: roundTrip), isTellingOverdue ? tellsAt : Self.never) }
    let earliest = min(confirmsIdleAt, raisesAt ?? Self.never)
    return earliest == Self.never ? nil : earliest
  }

  /// What is to be sent at `now`. Call it while there is a session.
  /// - Parameter frameCount: a number that is another after frames were sent.
  mutating func advance(to now: Instant, frameCount: UInt64, _ entropy: inout any Entropy) -> [Probe] {
    guard ceiling != nil else { return [] }
    if now >= tellsAt, isTellingOverdue { tellProbed(passed, isSettled: false) }
    if trial == nil { beginDue(now: now, frameCount: frameCount) }
    while var trial {
      switch trial.step(now: now, roundTrip: roundTrip) {
      case .wait: return []
      case .fail: fail(trial, now: now, &entropy)
      case .ask(let withReference):
        trial.noteAsked(withReference: withReference, now: now)
        self.trial = trial
        var probes = [probe(trial.byteCount, now: now, &entropy)]
        if withReference { probes.append(probe(Self.referenceByteCount, now: now, &entropy)) }
        return probes
      }
    }
    return []
  }

  /// An answer of the peer to a probe of `byteCount`. One to none of ours changes nothing.
  mutating func receiveAnswer(byteCount: Int, token: UInt64, now: Instant, _ entropy: inout any Entropy) {
    guard let index = outstanding.firstIndex(where: { $0.probe.token == token }) else { return }
    let asked = outstanding[index]
    let taken = now.since(asked.sentAt)
    guard asked.probe.byteCount == byteCount, taken <= Self.answerTimeMax else { return }
    outstanding.remove(at: index)
    roundTrip = roundTrip.map { ($0 * 7 + taken) / 8 } ?? taken
    guard byteCount != Self.referenceByteCount else {
      trial?.noteReferenceAnswered(sentAt: asked.sentAt)
      return
    }
    confirmedAt = asked.sentAt
    pass(byteCount, now: now, &entropy)
  }

  /// Says again what counts, for who may have put a lower value in its place.
  mutating func repeatChange() {
    if let pathMTU, change == nil { change = Change(pathMTU: pathMTU, isSettled: false) }
  }

  /// What has changed since the last call.
  mutating func takeChange() -> Change? {
    defer { change = nil }
    return change
  }

  private mutating func probe(_ byteCount: Int, now: Instant, _ entropy: inout any Entropy) -> Probe {
    let probe = Probe(byteCount: byteCount, token: entropy.next())
    if outstanding.count == Self.outstandingCountMax { outstanding.removeFirst() }
    outstanding.append(Outstanding(probe: probe, sentAt: now))
    return probe
  }

  /// What was found by asking.
  private mutating func tellProbed(_ byteCount: Int, isSettled: Bool) {
    (probed, tellsAt) = (byteCount, Self.never)
    tell(byteCount, isSettled: isSettled)
  }

  private mutating func tell(_ byteCount: Int, isSettled: Bool) {
    pathMTU = byteCount
    change = Change(pathMTU: byteCount, isSettled: isSettled)
  }
}

/// The search.
extension PathProbing {
  /// What is taken to pass.
  private var passed: Int { max(confirmed, min(PathSizes.floor(family), ceiling ?? 0)) }

  /// Whether more counts than is known to pass, while something is.
  private var isTellingOverdue: Bool {
    tellsAt != Self.never && passed < pathMTU ?? 0 && (confirmed > 0 || family == .ipv6)
  }

  /// Settled: what is to be asked again.
  private mutating func beginDue(now: Instant, frameCount: UInt64) {
    guard let ceiling, let pathMTU else { return }
    if now >= confirmsIdleAt || now >= confirmsAt && frameCount != self.frameCount {
      self.frameCount = frameCount
      ask(pathMTU, now: now)
    } else if let due = raisesAt, now >= due, passed < ceiling {
      failed = []
      ask(passed + 1, now: now, isRaise: true)
    }
  }

  private mutating func pass(_ byteCount: Int, now: Instant, _ entropy: inout any Entropy) {
    confirmed = max(confirmed, byteCount)
    if failed.last.map({ $0 <= byteCount }) == true {
      failed.removeAll { $0 <= byteCount }
      isLastFailureCertain = false
    }
    if confirmed > pathMTU ?? 0 || confirmed == pathMTU && !isProbed {
      isSettled = false
      tellProbed(confirmed, isSettled: false)
    }
    if let trial, trial.byteCount > byteCount { return }
    let isRaised = trial?.isRaise == true
    if let trial { furtherTryCount = min(max(furtherTryCount - 1, trial.tryCount - 1), Self.furtherTryCountMax) }
    trial = nil
    if isSettled, !isRaised { scheduleConfirm(&entropy) } else { goOn(now: now, &entropy) }
  }

  private mutating func fail(_ trial: PathTrial, now: Instant, _ entropy: inout any Entropy) {
    self.trial = nil
    if trial.isRaise {
      raisePause.noteVain()
    } else if let pathMTU, trial.byteCount <= pathMTU, tellsAt == Self.never {
      tellsAt = trial.askedFirstAt + Limits.pathTellTime
      raisePause.noteLowered(now: now)
    }
    if trial.byteCount <= confirmed { confirmed = 0 }
    if trial.byteCount == failed.last {
      isLastFailureCertain = true
    } else {
      failed.append(trial.byteCount)
      isLastFailureCertain = trial.isRaise
    }
    let confirms = (confirmsAt, confirmsIdleAt)
    goOn(now: now, &entropy)
    // That there is no more says nothing of what counts: raises that come often must not put its confirmation off.
    if trial.isRaise, isSettled { (confirmsAt, confirmsIdleAt) = confirms }
  }

  private mutating func ask(
    _ byteCount: Int, now: Instant, tryCountMin: Int = PathTrial.tryCountMin, isRaise: Bool = false
  ) {
    trial = PathTrial(byteCount, at: now, tryCountMin: tryCountMin + furtherTryCount, isRaise: isRaise)
  }

  /// Asks for the next size, or settles. What passes is told before other than common sizes are asked for: by then it
  /// is near to what will be found.
  private mutating func goOn(now: Instant, _ entropy: inout any Entropy) {
    guard let ceiling else { return }
    isSettled = false
    if let least = failed.last {
      if let size = PathSizes.next(above: passed, below: least) {
        if !PathSizes.isCommon(size), passed < pathMTU ?? 0 {
          tellProbed(passed, isSettled: false)
        }
        ask(size, now: now)
      } else if isLastFailureCertain {
        settle(now: now, &entropy)
      } else {
        ask(least, now: now, tryCountMin: PathTrial.secondTryCountMin)
      }
    } else if passed < ceiling {
      ask(ceiling, now: now)
    } else {
      settle(now: now, &entropy)
    }
  }

  private mutating func settle(now: Instant, _ entropy: inout any Entropy) {
    isSettled = true
    tellProbed(passed, isSettled: true)
    raisesAt = passed < ceiling ?? 0 ? now + raisePause.next(&entropy) : nil
    scheduleConfirm(&entropy)
  }

  /// From the last probe that is known to have passed on, however long its answer took.
  private mutating func scheduleConfirm(_ entropy: inout any Entropy) {
    guard passed > PathSizes.floor(family) else {
      (confirmsAt, confirmsIdleAt) = (Self.never, Self.never)
      return
    }
    let times = Limits.pathConfirmTimes.lowerBound.nanosecondCount..<Limits.pathConfirmTimes.upperBound.nanosecondCount
    confirmsAt = confirmedAt + .nanoseconds(Int64(entropy.next(in: times)))
    confirmsIdleAt = confirmedAt + Limits.pathIdleConfirmTime
  }
}
