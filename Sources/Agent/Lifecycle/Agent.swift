import Dataplane
import Forwarding
import Glibc
import LinuxIO
import Logging
import Sealing
import Synchronization
import VXLAN

/// A running VTEP: its sockets, its TAPs, its workers and its control socket.
///
/// Starting goes in phases: keys and ciphers, plan, control socket, underlay sockets, devices, workers, sessions. What
/// sealing needs is judged before anything is made. The control socket is claimed next, so that a second instance
/// stops before it makes anything, and answers when the rest is there. When a phase fails, what the earlier ones made
/// is undone.
///
/// *Threads.* `init`, `housekeep`, `reload` and `stop` belong to the main thread, and so does every change of what is
/// there; reports are made on the control thread, while nothing comes or goes (`whileUnchanged`).
package final class Agent: @unchecked Sendable {
  /// How long a TAP that could not be mended waits for the next attempt.
  private static let mendingPause: Duration = .milliseconds(250)
  /// Between two looks at the bridges, if there are any.
  private static let bridgePause: Duration = .seconds(1)

  /// Changed under `access` alone, as the next two are.
  var generation: AgentGeneration
  /// Nil when there are no sessions to have: no segment is sealed, and no peer has keys with the own ones.
  var sealed: SealedParts?
  var sessions: SessionService?
  /// Held while what is there changes, and while it is reported.
  let access = Mutex(())
  /// Changed under `access`, as the next two are: how often something came, changed or went.
  var changeCount = 0
  /// As it was when descriptors were last shown to an agent that wants to take over.
  var offeredChangeCount = 0
  /// Of devices that are gone.
  var formerTAPDropCount: UInt64 = 0
  /// By worker.
  let underlays: [UDPUnderlay]
  /// Nil where `sealed` is.
  let sealing: Mutex<SealingReport?>
  /// As read last. Of the main thread.
  var secrets: LocalSecrets?
  /// By number.
  let workers: [Worker]
  let steering: FlowSteering?
  let keyLife: KeyLife
  let keyLog: KeyLogFile?
  let log: Logger
  /// For what others can cause again and again.
  let throttledLog: ThrottledLogger
  let startedAt: Instant
  /// Of the main thread and the control thread, one at a time.
  let netlink: Mutex<NetlinkSocket>
  let brokenSegments = BrokenSegments()
  /// Slots whose TAP has lost its bridge and could not be put back. Of the main thread.
  var strayedSegments: Set<Int> = []
  /// Nil without bridges.
  var nextBridgeCheck: Instant?
  var ageing: AgeingSchedule
  /// Of the main thread: when the events of workers may be looked at again.
  var nextEventLook: Instant?
  let eventHistory: EventHistory
  let peerEvents: PeerEvents
  /// Of the main thread.
  var floodWatch = FloodWatch()
  /// Slots whose configured MTU does not fit any more. Noted by the main thread.
  let tightSegments = Mutex<Set<Int>>([])
  /// By peer slot, what is known of the route. Of the main thread.
  var routes: [Int: PeerWay]
  let pathNews = PathNews()
  /// Something was heard of routes. Any thread.
  let noteNews: @Sendable () -> Void
  /// Of the main thread.
  var pathSchedule: PathSchedule
  private let routeWatch: RouteWatch
  private var control: ControlServer?
  let metricsAPI = MetricsAPI()
  var metrics: MetricsServer?
  /// Wakes the main thread.
  let wakeMain: @Sendable () -> Void
  let retirement = Retirement()
  /// Of the main thread. Nil without a service manager that keeps descriptors.
  var descriptorStore: DescriptorStore?
  private var takeoverOffer: TakeoverOffer?
  private var captureOffer: CaptureOffer?
  /// What other threads ask of the main thread.
  let mainThread: MainThread
  /// What was changed since the file was read. Of the main thread, as the next two are.
  var runTimeChanges = RunTimeChanges()
  /// Where the configuration came from; nil: nothing can be changed.
  package var file: ConfigurationFile?
  /// Told when a reload begins, and what came of it.
  package var reloading = ReloadNotices()

  /// Starts the agent. It carries frames when this returns.
  /// - Parameters:
  ///   - secrets: the own keys; there when the configuration names their file.
  ///   - steering: loaded while there was a right to; nil: to be tried.
  ///   - keyLife: shorter in tests only.
  ///   - keyLog: where keys of sessions go, if anywhere.
  ///   - ciphers: of this host.
  ///   - predecessor: whom it follows, if anybody.
  ///   - wakeMain: called on another thread when `housekeep` has something to do at once; must not block.
  /// - Throws: `.refused` for what the configuration asks in vain, `.failed` for what the system refuses.
  package init(
    _ configuration: Configuration, secrets: LocalSecrets?, steering: FlowSteering? = nil, keyLife: KeyLife = .standard,
    keyLog: KeyLogFile? = nil, ciphers: @autoclosure () -> HostCiphers = .probe(),
    predecessor: Predecessor = Predecessor(), log: Logger, wakeMain: @escaping @Sendable () -> Void
  ) throws(AgentError) {
    let localEnd = try SealingStart.unlessNeeded(by: configuration, log) { () throws(AgentError) in
      try SealingStart.localEnd(for: configuration, secrets: secrets, keyLife: keyLife, ciphers: ciphers())
    }
    (self.secrets, self.wakeMain, self.keyLog) = (secrets, wakeMain, keyLog)
    var netlink = try Self.openNetlink()
    let plan = try AgentPlan(configuration, netlink: &netlink)
    let now = Instant(nanoseconds: Clock.now())
    (routes, mainThread) = (Self.ways(plan, to: Set(plan.peers.indices)), MainThread(wake: wakeMain))
    (self.keyLife, self.log, throttledLog, startedAt) = (keyLife, log, ThrottledLogger(log), now)
    let gate = ControlGate()
    let control = try Self.claimControlSocket(configuration, isReplacing: predecessor.isRunning) { gate.answer($0) }
    metrics = predecessor.isRunning ? nil : try Self.claimMetrics(configuration, metricsAPI)
    let news = pathNews
    // What changed since the plan was made is read by the first `housekeep`.
    _ = news.note()
    let noteNews: @Sendable () -> Void = { if news.note() { wakeMain() } }
    self.noteNews = noteNews
    pathSchedule = PathSchedule(now: now)
    nextBridgeCheck = configuration.segments.contains { $0.bridge != nil } ? now + Self.bridgePause : nil
    ageing = AgeingSchedule(plan.segments.map(\.ageingTime), now: now)
    let workerCount = configuration.workers.count(onProcessors: Processors.count())
    let topology = Topology(
      segments: Array(plan.segments), peers: Array(plan.peers), hash: .random(), now: now, workerCount: workerCount,
      onEvent: wakeMain)
    eventHistory = EventHistory { [events = topology.events] in events.listen(toDrops: $0) }
    self.steering = workerCount > 1 ? steering ?? FlowSteering(queueCount: workerCount) : nil
    peerEvents = PeerEvents(history: eventHistory, names: configuration.peers.map(\.name))
    let inheritance: Inheritance?
    do throws(AgentError) {
      routeWatch = try Self.watchRoutes(noteNews)
      underlays = try Self.openUnderlays(configuration, count: workerCount, predecessor)
      sealed = try Self.openSealed(
        localEnd, configuration, beside: underlays, after: predecessor, topology: topology, keyLog: keyLog, log: log)
      let devices = try Self.makeDevices(plan, steering: self.steering, predecessor, netlink: &netlink)
      generation = AgentGeneration(configuration, topology, plan.slots, devices: Slots(devices))
      do throws(AgentError) {
        inheritance = try Self.succeed(predecessor, configuration, topology, devices, log)
        workers = try Self.startWorkers(
          topology, devices, underlays, sealed, onDoubtfulPath: noteNews, onFloodNews: wakeMain
        ) { [broken = brokenSegments] failure in
          broken.note(failure)
          wakeMain()
        }
        do throws(AgentError) {
          sessions = try Self.startSessions(
            sealed, configuration, peers: generation.sessionPeers.map { $0.remembered(by: inheritance?.state) },
            workers: workers, topology: topology, doubtRoutes: noteNews, events: peerEvents, log: log,
            throttledLog: throttledLog)
          sealing = Mutex(sessions == nil ? nil : localEnd.map { SealingReport($0, configuration) })
        } catch {
          for worker in workers { worker.stop() }
          throw error
        }
      } catch {
        for device in devices { device.remove(&netlink) }
        throw error
      }
    } catch {
      control.stop()
      throw error
    }
    self.netlink = Mutex(netlink)
    self.control = control
    takePlace(of: predecessor, inheritance, control, gate)
  }

  /// Whoever asks from now on asks this agent, and whoever wants to take over takes over from it.
  private func takePlace(
    of predecessor: Predecessor, _ inheritance: Inheritance?, _ control: ControlServer, _ gate: ControlGate
  ) {
    settle(inheritance, of: predecessor)
    gate.open(ControlAPI(source: self, table: self, events: eventHistory, changes: self))
    metricsAPI.open(self)
    do throws(ControlError) {
      try control.takePlace()
    } catch {
      log.error("the control socket is not in its place: commands find no agent", metadata: ["error": "\(error)"])
    }
    predecessor.finish()
    if predecessor.isRunning { claimMetricsLate() }
    UnixAddress.removeAbandoned(control.path + ControlSocketPath.nextSuffix)
    do throws(Errno) {
      let offer = try TakeoverOffer(besideControlSocket: control.path, log: log)
      try offer.start(self)
      takeoverOffer = offer
    } catch {
      log.notice("nobody can take over from this agent", metadata: ["reason": "\(error)"])
    }
    offerCaptures(besideControlSocket: control.path)
  }

  private func offerCaptures(besideControlSocket path: String) {
    do throws(Errno) {
      let offer = try CaptureOffer(besideControlSocket: path, log: log)
      try offer.start(self)
      captureOffer = offer
    } catch {
      log.notice("nobody can capture what this agent carries", metadata: ["reason": "\(error)"])
    }
  }

  /// What it is told to do, by the file and since.
  var configuration: Configuration { generation.configuration }
  var topology: Topology { generation.topology }
  /// By segment slot.
  var devices: Slots<OverlayDevice> { generation.devices }

  /// Does what is due: ages entries and bindings, mends TAPs that were deleted or lost their bridge, follows the
  /// underlay's MTU, passes events on, tells of floods and asks for listeners. Answers when it wants to be called
  /// again; nil: only after `wakeMain`.
  package func housekeep() -> Duration? {
    // Devices and sockets are another agent's by now.
    guard !hasSuccessor else { return .milliseconds(50) }
    mainThread.run()
    let now = Instant(nanoseconds: Clock.now())
    for slot in ageing.due(now: now) where topology.segments.isOccupied(slot) {
      age(segment: slot, now: now)
      topology.neighbors[slot].sweep(now: now.seconds)
    }
    tellLeaks()
    let isMended = mend()
    if let due = nextBridgeCheck, due <= now {
      tendBridges()
      nextBridgeCheck = now + Self.bridgePause
    }
    let next = [ageing.next, nextBridgeCheck, followPaths(), followEvents(), followFlooding()].compactMap { $0 }.min()
    let pause = next.map { $0.since(Instant(nanoseconds: Clock.now())) }
    return isMended ? pause : min(pause ?? Self.mendingPause, Self.mendingPause)
  }

  /// Ends it: the control socket first, so that nobody is told of what is going; then the sessions with their keys, the
  /// workers, and the devices.
  package func stop() {
    metricsAPI.close()
    takeoverOffer?.stop(isLeaving: hasSuccessor)
    takeoverOffer = nil
    captureOffer?.stop(isLeaving: hasSuccessor)
    captureOffer = nil
    if hasSuccessor { return leave() }
    control?.stop()
    control = nil
    routeWatch.stop()
    sessions?.stop()
    for worker in workers { worker.requestStop() }
    for worker in workers { worker.stop() }
    // Now that no worker is left, the last keys go.
    _ = sealed?.keyring.collect()
    netlink.withLock { netlink in
      for device in devices { device.remove(&netlink) }
    }
    metrics?.stop()
  }

  /// Ends it when another process has everything: nothing that it reads or writes is touched. The workers stand still
  /// for as long as the process lives.
  private func leave() {
    control?.stop()
    control = nil
    routeWatch.stop()
    sessions?.stop()
    metrics?.stop()
  }

  private static func openNetlink() throws(AgentError) -> NetlinkSocket {
    do {
      return try NetlinkSocket()
    } catch {
      throw .failed("opening a netlink socket", error)
    }
  }

  private static func watchRoutes(_ onChange: @escaping @Sendable () -> Void) throws(AgentError) -> RouteWatch {
    do {
      return try RouteWatch(onChange: onChange)
    } catch {
      throw .failed("watching the routes", error)
    }
  }

  private static func claimControlSocket(
    _ configuration: Configuration, isReplacing: Bool, handler: @escaping ControlServer.Handler
  ) throws(AgentError) -> ControlServer {
    do {
      return try ControlServer.start(path: configuration.control.socket, isReplacing: isReplacing, handler: handler)
    } catch {
      throw AgentError(.failed, error.message)
    }
  }

  private static func openUnderlays(
    _ configuration: Configuration, count: Int, _ predecessor: Predecessor
  ) throws(AgentError) -> [UDPUnderlay] {
    let local = Endpoint(address: configuration.local.address, udpPort: configuration.local.udpPort)
    do {
      return try predecessor.patiently { () throws(Errno) in
        try UDPUnderlay.group(
          of: count, local: local, peers: configuration.peers.map(\.endpoint),
          sourcePortCount: configuration.local.sourcePortCount, firstSourcePort: firstSourcePort(configuration.local),
          acceptsZeroChecksum: configuration.local.udp6ZeroChecksum == .accept,
          usesOffloads: configuration.local.offload == .auto, inherited: predecessor.descriptors)
      }
    } catch {
      let what = "local.address \(local)"
      switch error.number {
      case EADDRINUSE: throw AgentError(.failed, "\(what): the port is in use; is another agent running?")
      case EACCES: throw AgentError(.failed, "\(what): \(AgentError.privilegedPort)")
      case EADDRNOTAVAIL: throw AgentError(.failed, "\(what): no device of this host has the address")
      default: throw .failed(what, error)
      }
    }
  }

  private static func makeDevices(
    _ plan: AgentPlan, steering: FlowSteering?, _ predecessor: Predecessor, netlink: inout NetlinkSocket
  ) throws(AgentError) -> [OverlayDevice] {
    var devices: [OverlayDevice] = []
    for (segment, segmentPlan) in zip(plan.configuration.segments, plan.segments) {
      do {
        devices.append(
          try OverlayDevice(
            segment, segmentPlan, usesOffloads: plan.configuration.local.offload == .auto, steering: steering,
            predecessor: predecessor,
            netlink: &netlink))
      } catch {
        for device in devices { device.remove(&netlink) }
        throw error
      }
    }
    return devices
  }

  /// One worker for each queue and socket. When one cannot be started, those before it end.
  private static func startWorkers(
    _ topology: Topology, _ devices: [OverlayDevice], _ underlays: [UDPUnderlay], _ sealed: SealedParts?,
    onDoubtfulPath: @escaping @Sendable () -> Void, onFloodNews: @escaping @Sendable () -> Void,
    onFailure: @escaping @Sendable (Worker.Failure) -> Void
  ) throws(AgentError) -> [Worker] {
    let flowKey = KeyedHash.random()
    var workers: [Worker] = []
    do throws(Errno) {
      for (number, underlay) in underlays.enumerated() {
        let queues = devices.map { $0.tap.queues[number] }
        let engine = Engine(
          topology: topology, framePorts: queues, datagramPort: underlay,
          sourcePortCount: underlay.senders.sourcePorts.count, flowKey: flowKey, sealed: sealed?.side(ofWorker: number))
        let worker = try Worker(
          number: number, engine: engine, tapDescriptors: queues.map(\.pollDescriptor),
          underlayDescriptor: underlay.pollDescriptor, sealedDescriptor: sealed?.underlays[number].pollDescriptor,
          onFailure: onFailure, onDoubtfulPath: onDoubtfulPath, onFloodNews: onFloodNews)
        try worker.start()
        workers.append(worker)
      }
    } catch {
      for worker in workers { worker.stop() }
      throw .failed("starting the workers", error)
    }
    return workers
  }
}

extension KeyedHash {
  /// Keyed with randomness of the system.
  static func random() -> KeyedHash {
    var generator = SystemRandomNumberGenerator()
    return KeyedHash(key0: generator.next(), key1: generator.next())
  }
}
