import Dataplane
import Forwarding
import Glibc
import LinuxIO
import Logging
import Synchronization
import VXLAN

/// A running VTEP: its sockets, its TAPs, its worker and its control socket.
///
/// Starting goes in phases, and nothing is seen from outside before all that can refuse has agreed: plan, sockets,
/// devices, worker, control socket. When a phase fails, what the earlier ones made is undone.
///
/// *Threads.* `init`, `housekeep` and `stop` belong to the main thread; reports are made on the control thread.
package final class Agent: @unchecked Sendable {
  /// How long a TAP that could not be mended waits for the next attempt.
  private static let mendingPause: Duration = .milliseconds(250)

  let configuration: Configuration
  let topology: Topology
  let underlay: UDPUnderlay
  let worker: Worker
  /// By segment slot.
  let devices: [OverlayDevice]
  let log: Logger
  /// For what others can cause again and again.
  let throttledLog: ThrottledLogger
  let startedAt: Instant
  /// Of the main thread and the control thread, one at a time.
  let netlink: Mutex<NetlinkSocket>
  let brokenSegments: BrokenSegments
  private var ageing: AgeingSchedule
  private var control: ControlServer?

  /// Starts the agent. It carries frames when this returns.
  /// - Parameter wakeMain: called on another thread when `housekeep` has something to do at once; must not block.
  /// - Throws: `.refused` for what the configuration asks in vain, `.failed` for what the system refuses.
  package init(
    _ configuration: Configuration, log: Logger, wakeMain: @escaping @Sendable () -> Void
  ) throws(AgentError) {
    var netlink = try Self.openNetlink()
    let plan = try AgentPlan(configuration, netlink: &netlink)
    let now = Instant(nanoseconds: Clock.now())
    self.configuration = configuration
    self.log = log
    throttledLog = ThrottledLogger(log)
    startedAt = now
    let underlay = try Self.openUnderlay(configuration)
    self.underlay = underlay
    let topology = Topology(segments: plan.segments, peers: plan.peers, hash: .random(), now: now)
    self.topology = topology
    let devices = try Self.makeDevices(plan, netlink: &netlink)
    self.devices = devices
    let broken = BrokenSegments()
    brokenSegments = broken
    ageing = AgeingSchedule(plan.segments.map(\.ageingTime), now: now)
    do throws(Errno) {
      let engine = Engine(
        topology: topology, framePorts: devices.map(\.tap), datagramPort: underlay,
        sourcePortCount: underlay.sourcePorts.count, flowKey: .random())
      worker = try Worker(
        engine: engine, tapDescriptors: devices.map(\.tap.pollDescriptor),
        underlayDescriptor: underlay.pollDescriptor
      ) { failure in
        broken.note(failure)
        wakeMain()
      }
      try worker.start()
    } catch {
      for device in devices { device.remove(&netlink) }
      throw .failed("starting the worker", error)
    }
    self.netlink = Mutex(netlink)
    do throws(ControlError) {
      let api = ControlAPI(source: self)
      control = try ControlServer.start(path: configuration.control.socket) { api.answer($0) }
    } catch {
      stop()
      throw AgentError(.failed, error.message)
    }
  }

  /// Does what is due: ages entries, mends TAPs that were deleted. Answers when it wants to be called again; nil: only
  /// after `wakeMain`.
  package func housekeep() -> Duration? {
    let now = Instant(nanoseconds: Clock.now())
    for slot in ageing.due(now: now) {
      let agedCount = topology.withFDB(ofSegment: slot) {
        $0.age(now: now.seconds, ageingTime: topology.segments[slot].ageingTime)
      }
      let vni = topology.segments[slot].vni
      if agedCount > 0 { log.debug("aged", metadata: ["vni": "\(vni)", "entries": "\(agedCount)"]) }
    }
    let isMended = mend()
    let pause = ageing.next.map { $0.since(Instant(nanoseconds: Clock.now())) }
    return isMended ? pause : min(pause ?? Self.mendingPause, Self.mendingPause)
  }

  /// Ends it: the control socket first, so that nobody is told of what is going; then the worker, then the devices.
  package func stop() {
    control?.stop()
    control = nil
    worker.stop()
    netlink.withLock { netlink in
      for device in devices { device.remove(&netlink) }
    }
  }

  private static func openNetlink() throws(AgentError) -> NetlinkSocket {
    do {
      return try NetlinkSocket()
    } catch {
      throw .failed("opening a netlink socket", error)
    }
  }

  private static func openUnderlay(_ configuration: Configuration) throws(AgentError) -> UDPUnderlay {
    let local = Endpoint(address: configuration.local.address, udpPort: configuration.local.udpPort)
    let range = Specification.sourcePortRange
    do {
      return try UDPUnderlay(
        local: local, peers: configuration.peers.map(\.endpoint),
        sourcePortCount: configuration.local.sourcePortCount, firstSourcePort: .random(in: range),
        acceptsZeroChecksum: configuration.local.udp6ZeroChecksum == .accept,
        usesOffloads: configuration.local.offload == .auto)
    } catch {
      let what = "local.address \(local)"
      switch error.number {
      case EADDRINUSE: throw AgentError(.failed, "\(what): the port is in use; is another agent running?")
      case EADDRNOTAVAIL: throw AgentError(.failed, "\(what): no device of this host has the address")
      default: throw .failed(what, error)
      }
    }
  }

  private static func makeDevices(
    _ plan: AgentPlan, netlink: inout NetlinkSocket
  ) throws(AgentError) -> [OverlayDevice] {
    var devices: [OverlayDevice] = []
    for (segment, segmentPlan) in zip(plan.configuration.segments, plan.segments) {
      do {
        devices.append(
          try OverlayDevice(
            segment, mac: segmentPlan.ownMAC, linkMTU: segmentPlan.overlayMTU,
            usesOffloads: plan.configuration.local.offload == .auto, netlink: &netlink))
      } catch {
        for device in devices { device.remove(&netlink) }
        throw error
      }
    }
    return devices
  }
}

extension KeyedHash {
  /// Keyed with randomness of the system.
  static func random() -> KeyedHash {
    var generator = SystemRandomNumberGenerator()
    return KeyedHash(key0: generator.next(), key1: generator.next())
  }
}
