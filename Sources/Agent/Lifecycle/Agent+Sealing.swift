import Dataplane
import Glibc
import LinuxIO
import Logging
import Sealing
import VXLAN

/// Opening what sessions need.
extension Agent {
  /// Binds the sealed port beside the plain one; nil without a local end, and where the port cannot be had
  /// and no segment is sealed.
  static func openSealed(
    _ local: LocalEnd?, _ configuration: Configuration, beside underlays: [UDPUnderlay],
    after predecessor: Predecessor = Predecessor(), topology: Topology, keyLog: KeyLogFile?, log: Logger
  ) throws(AgentError) -> SealedParts? {
    guard let local else { return nil }
    return try SealingStart.unlessNeeded(by: configuration, log) { () throws(AgentError) in
      try bindSealed(local, configuration, beside: underlays, predecessor, topology: topology, keyLog)
    }
  }

  private static func bindSealed(
    _ local: LocalEnd, _ configuration: Configuration, beside underlays: [UDPUnderlay],
    _ predecessor: Predecessor, topology: Topology, _ keyLog: KeyLogFile?
  ) throws(AgentError) -> SealedParts {
    let endpoint = Endpoint(address: configuration.local.address, udpPort: configuration.local.sealedUDPPort)
    do {
      return try SealedParts(
        local,
        underlays: try predecessor.patiently { () throws(Errno) in
          try UDPUnderlay.sealedGroup(beside: underlays, at: endpoint, inherited: predecessor.descriptors)
        }, topology: topology, keyLog: keyLog)
    } catch {
      if error.number == EACCES {
        throw AgentError(.failed, "local.sealed-port \(endpoint): \(AgentError.privilegedPort)")
      }
      guard error.number == EADDRINUSE else { throw .failed("local.sealed-port \(endpoint)", error) }
      throw AgentError(.failed, "local.sealed-port \(endpoint): the port is in use; is another agent running?")
    }
  }

  /// Starts the sessions with `peers`; nil without the sealed port, and where they cannot be started and no segment
  /// needs them.
  static func startSessions(
    _ sealed: SealedParts?, _ configuration: Configuration, peers: [SessionPeer], workers: [Worker],
    topology: Topology, doubtRoutes: @escaping @Sendable () -> Void, events: PeerEvents, log: Logger,
    throttledLog: ThrottledLogger
  ) throws(AgentError) -> SessionService? {
    guard let sealed else { return nil }
    let sessions = sealed.sessions(
      with: peers, workers: workers, topology: topology,
      pathRaiseInterval: configuration.local.pathMTURaise, doubtRoutes: doubtRoutes, events: events,
      log: throttledLog)
    let routes = peers.map { ($0.slot, PeerRoute(pathMTU: topology.peers[$0.slot].pathMTU, isOther: false)) }
    sessions.follow(Dictionary(uniqueKeysWithValues: routes))
    return try SealingStart.unlessNeeded(by: configuration, log) { () throws(AgentError) in
      do throws(Errno) {
        try sessions.start()
      } catch {
        throw .failed("starting the sessions", error)
      }
      return sessions
    }
  }

  /// The first source port to try: any, but none whose successors would take the sealed port before it is bound.
  static func firstSourcePort(_ local: Configuration.Local) -> UInt16 {
    let range = Specification.sourcePortRange
    guard range.contains(local.sealedUDPPort) else { return .random(in: range) }
    return local.sealedUDPPort == range.upperBound ? range.lowerBound : local.sealedUDPPort + 1
  }
}
