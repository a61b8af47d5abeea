import Dataplane
import LinuxIO
import Sealing
import VXLAN

/// What the agent has for sealed segments and sessions beside what it has for all. Made only where there are such.
struct SealedParts {
  /// By worker: what receives on the sealed port.
  let underlays: [UDPUnderlay]
  let keyring: Keyring
  let inbox: SealedInbox
  let waiting: WaitingBudget
  /// Of handshakes.
  let counters = SealedCounters()
  let places = PeerPlaces()
  /// Where keys of sessions go; nil: nowhere.
  private let keyLog: KeyLogFile?
  /// Wakes whoever takes from the inbox.
  let poller: Poller
  /// The thread's of the sessions, once that runs.
  private let local: LocalEnd
  private let mac: HandshakeMAC

  /// - Parameters:
  ///   - underlays: on the sealed port, by worker.
  init(
    _ local: LocalEnd, underlays: [UDPUnderlay], topology: Topology, keyLog: KeyLogFile? = nil
  ) throws(Errno) {
    let poller = try Poller()
    self.keyLog = keyLog
    local.logsKeys = keyLog != nil
    self.poller = poller
    self.local = local
    self.underlays = underlays
    keyring = Keyring(gracePeriod: topology.gracePeriod)
    inbox = SealedInbox { poller.wake() }
    waiting = WaitingBudget()
    mac = HandshakeMAC(to: local.privateKey.publicKey)
  }

  /// What a worker's engine gets.
  func side(ofWorker number: Int) -> SealedSide {
    SealedSide(
      port: underlays[number], keyring: keyring, inbox: inbox, mac: mac, waiting: waiting, lane: UInt8(number))
  }

  /// The sessions of these workers, not started yet. What paths take goes into the topology's limits.
  func sessions(
    with peers: [SessionPeer], workers: [Worker], topology: Topology, pathRaiseInterval: Duration,
    doubtRoutes: @escaping @Sendable () -> Void, events: PeerEvents, log: ThrottledLogger
  ) -> SessionService {
    let listener = underlays[0]
    let (state, places) = (topology.state, places)
    let limits = state.limits
    let sessionLog = SessionLog(log)
    let outside = SessionKeeper.Outside(
      keyring: keyring, inbox: inbox, waiting: waiting, counters: counters,
      send: { listener.send($0, to: $1) },
      sendWaiting: {
        for worker in workers { worker.post { $0.sendWaiting(now: Instant(nanoseconds: Clock.now())) } }
      },
      expireWaiting: {
        for worker in workers { worker.post { $0.expireWaiting(now: Instant(nanoseconds: Clock.now())) } }
      },
      setPathMTU: { limits.setPathMTU($0, ofPeer: $1) }, plainTrafficMark: { state.plainMark(ofPeer: $0) },
      events: events,
      noteMove: {
        places.note($0, ofPeer: $1)
        doubtRoutes()
      },
      doubtRoutes: doubtRoutes,
      clock: { Instant(nanoseconds: Clock.now()) },
      logKeys: { [keyLog] keys, peer in
        do throws(Errno) {
          try keyLog?.append(keys, from: listener.local, to: peer)
        } catch {
          sessionLog.unlogged(keyLog?.path ?? "", error)
        }
      })
    let keeper = SessionKeeper(
      local, peers: peers, pathRaiseInterval: pathRaiseInterval, outside: outside, log: sessionLog)
    return SessionService(keeper, poller: poller)
  }
}
