import Glibc
import LinuxIO
import Logging

/// The life of an agent in the foreground: from the configuration's file to the exit status.
package enum AgentRun {
  /// Runs until SIGTERM or SIGINT, or until another agent has taken over.
  /// - Parameter takesOver: from the agent that runs with the same control socket, if one does.
  /// - Returns: the exit status: 0 ended as asked; 1 the system refused; 78 the configuration is refused.
  package static func run(configurationPath path: String, takesOver: Bool = false) -> Int32 {
    ProcessMemory.prepare()
    let inherited = InheritedDescriptors.fromEnvironment()
    do throws(Errno) {
      try DescriptorLimit.raise()
    } catch {
      say("vtep: the limit of open files stays as it is: \(error)")
    }
    let file: ConfigurationFile
    let configuration: Configuration
    let secrets: SecretsInTransit
    let endowment: Endowment
    do {
      file = try ConfigurationFile.read(path: path)
      configuration = try file.configuration()
    } catch {
      say(error.description)
      return 78
    }
    do throws(AgentError) {
      try judgeDescriptors(configuration)
      endowment = try giveUpPrivileges(configuration, path: path)
    } catch {
      let place = error.line.map { "\(file.path):\($0): " } ?? ""
      say(error.kind == .refused ? "\(place)\(error)" : "vtep: \(error)")
      return error.exitStatus
    }
    do {
      protectMemory(for: configuration)
      secrets = SecretsInTransit(try configuration.secrets(file: path))
    } catch {
      say(error.description)
      return 78
    }
    // Not before: a configuration may be a pipe to which nobody writes, and nothing that a signal could leave behind
    // is made yet.
    var signals = SignalSet(blocking: [SIGTERM, SIGINT, SIGHUP, SIGUSR1])
    signal(SIGPIPE, SIG_IGN)
    return run(configuration, secrets, endowment, file, inherited, takesOver: takesOver, signals: &signals)
  }

  private static func run(
    _ configuration: Configuration, _ secrets: SecretsInTransit, _ endowment: Endowment, _ file: ConfigurationFile,
    _ inherited: InheritedDescriptors, takesOver: Bool, signals: inout SignalSet
  ) -> Int32 {
    let settings = LogSettings(configuration.log)
    let log = StandardErrorLogHandler.logger(settings)
    let notification = ServiceNotification.fromEnvironment()
    let (agent, predecessor): (Agent, Predecessor)
    do {
      predecessor =
        takesOver
        ? try .find(controlSocket: configuration.control.socket, orElse: inherited)
        : Predecessor(descriptors: inherited)
      // A signal to the process reaches the main thread, which alone waits for it.
      agent = try Agent(
        configuration, secrets: secrets.take(), steering: endowment.steering, keyLife: keyLife(log),
        keyLog: endowment.keyLog,
        predecessor: predecessor, log: log
      ) { kill(getpid(), SIGUSR1) }
    } catch {
      let place = error.line.map { "\(file.path):\($0)" } ?? file.path
      say(error.kind == .refused ? "\(place): \(error)" : "vtep: \(error)")
      return error.exitStatus
    }
    agent.file = file
    agent.reloading = notices(of: agent, settings, notification, log)
    describe(agent, log: log)
    describe(endowment, path: file.path, log: log)
    var watchdog = Watchdog.fromEnvironment(
      // Whoever takes over becomes the main process of a service whose watchdog it was not told of.
      notification, workers: agent.workers,
      otherwise: predecessor.isRunning && notification.hasManager ? .seconds(1) : nil, log: log)
    ProcessMemory.giveBack()
    say("ready")
    begin(agent, after: predecessor, notification, log)
    loop(agent, watchdog: &watchdog, signals: &signals)
    if !agent.hasSuccessor { notify(log) { () throws(Errno) in try notification.stopping() } }
    agent.stop()
    log.info(agent.hasSuccessor ? "handed over" : "stopped")
    return 0
  }

  /// Waits and keeps house until a signal ends it.
  private static func loop(_ agent: Agent, watchdog: inout Watchdog?, signals: inout SignalSet) {
    while true {
      let pause = [agent.housekeep(), watchdog?.turn()].compactMap { $0 }.min()
      if agent.isHandedOver { return }
      switch signals.wait(timeout: pause) {
      case SIGTERM, SIGINT: return
      case SIGHUP: agent.hangUp()
      default: continue
      }
    }
  }

  private static func describe(_ agent: Agent, log: Logger) {
    log.info(
      "started",
      metadata: [
        "local": "\(agent.underlays[0].local)", "workers": "\(agent.workers.count)",
        "version": "\(VtepVersion.current)", "metrics": "\(agent.configuration.control.metrics?.description ?? "none")",
      ])
    if agent.workers.count > 1, let offloads = agent.devices.first?.tap.offloads, !offloads.steering.isOn {
      log.notice(
        "flows move between workers now and then, and may then be reordered",
        metadata: ["steering": "\(offloads.steering.text)"])
    }
    for (slot, plan) in zip(agent.topology.segments.indices, agent.topology.segments) {
      log.info(
        "segment",
        metadata: [
          "vni": "\(plan.vni)", "tap": "\(agent.generation.segments[slot].tap)", "mac": "\(plan.ownMAC)",
          "mtu": "\(plan.overlayMTU)",
          "peers": "\(plan.peers.count)", "sealed": "\(plan.isSealed)",
        ])
    }
  }

  private static func notices(
    of agent: Agent, _ settings: LogSettings, _ notification: ServiceNotification, _ log: Logger
  ) -> ReloadNotices {
    ReloadNotices(
      begun: { notify(log) { () throws(Errno) in try notification.reloading(monotonic: Clock.now() / 1_000) } },
      logChanged: { settings.follow($0) },
      ended: { [unowned agent] in
        notify(log) { () throws(Errno) in try notification.ready(status: agent.summary) }
        notify(log) { () throws(Errno) in try agent.keepDescriptors() }
      }, changed: { [unowned agent] in notify(log) { () throws(Errno) in try agent.keepDescriptors() } })
  }

  static func notify(_ log: Logger, _ send: () throws(Errno) -> Void) {
    do {
      try send()
    } catch {
      log.warning("the service manager was not told", metadata: ["error": "\(error)"])
    }
  }

  static func say(_ line: String) {
    StandardErrorLogHandler.writeToStandardError(Array((line + "\n").utf8))
  }
}

extension Agent {
  /// One line for people.
  var summary: String {
    "VTEP \(configuration.local.address), \(topology.segments.count) segments, \(topology.peers.count) peers"
  }
}
