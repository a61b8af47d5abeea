import Glibc
import Lab
import LinuxIO
import VXLAN

/// `vtep demo`: two hosts in network namespaces, an agent in each, and what passes between them.
///
/// Everything is held by this process: namespaces by descriptors, agents as children that get SIGTERM when the
/// process ends in whatever way. Only the directory with the two configurations would outlive a SIGKILL.
package struct Demonstration: ~Copyable {
  private static let underlayMTU = 1500
  private static let transferSeed: UInt64 = 42
  private static let logLineCount = 15

  private let executable: String
  private let ping: String
  private let transferByteCount: Int
  /// Nil for a plain segment.
  private let keys: LabKeys?
  private let interruption: LabInterruption
  private let directory: LabDirectory
  private var output: DemoOutput
  private var a: LabHost
  private var b: LabHost

  /// Runs the whole and returns the exit status: 0; 1 when something is missing or a step failed; 130 or 143 after
  /// SIGINT or SIGTERM. To be called on the main thread: the agents end with the thread that started them.
  /// - Parameters:
  ///   - executable: the `vtep` whose commands are run.
  ///   - transferByteCount: how much is sent by TCP, a multiple of 8.
  ///   - isSealed: whether the segment is.
  package static func run(executable: String, transferByteCount: Int, isSealed: Bool) -> Int32 {
    let interruption = LabInterruption.begin()
    let output = DemoOutput(stepCount: 7)
    do throws(LabFailure) {
      var demonstration = try prepare(executable, transferByteCount, isSealed, output, interruption)
      try demonstration.performAndCleanUp()
      // The namespaces and the directory go with the value.
      _ = consume demonstration
      output.say("\nNothing is left behind: no agent, no device, no namespace, no file.")
      return 0
    } catch {
      switch error {
      case .unavailable(let text), .step(let text): output.complain("vtep demo: \(text)")
      case .interrupted(let signal): output.complain("vtep demo: ended by signal \(signal); nothing is left behind")
      }
      return error.exitStatus
    }
  }

  private init(
    _ executable: String, _ transferByteCount: Int, _ keys: LabKeys?, _ ping: String, _ output: DemoOutput,
    _ interruption: LabInterruption, _ directory: consuming LabDirectory, _ a: consuming LabHost,
    _ b: consuming LabHost
  ) {
    self.keys = keys
    self.executable = executable
    self.transferByteCount = transferByteCount
    self.ping = ping
    self.output = output
    self.interruption = interruption
    self.directory = directory
    self.a = a
    self.b = b
  }

  /// Makes the two hosts, still without devices.
  private static func prepare(
    _ executable: String, _ transferByteCount: Int, _ isSealed: Bool, _ output: DemoOutput,
    _ interruption: LabInterruption
  ) throws(LabFailure) -> Demonstration {
    let ping = try checkRequirements()
    let directory: LabDirectory
    do {
      directory = try LabDirectory(prefix: "vtep-demo-")
    } catch {
      throw .step("make a directory: \(error)")
    }
    let keys = isSealed ? try LabKeys(in: directory.path) : nil
    do throws(Errno) {
      let a = try host("a", "192.0.2.1/24", "10.42.0.1/24", directory.path)
      let b = try host("b", "192.0.2.2/24", "10.42.0.2/24", directory.path)
      return Demonstration(executable, transferByteCount, keys, ping, output, interruption, directory, a, b)
    } catch {
      guard error.number != EPERM else { throw needsRoot }
      throw .step("make the two hosts: \(error)")
    }
  }

  private mutating func performAndCleanUp() throws(LabFailure) {
    do throws(LabFailure) {
      try perform()
    } catch {
      if case .step = error { showLogs() }
      a.endAgent()
      b.endAgent()
      guard case .step(let text) = error else { throw error }
      throw .step("step \(output.position): \(text)")
    }
  }

  private mutating func perform() throws(LabFailure) {
    output.say(DemoPicture.text(isSealed: keys != nil))
    try joinHosts()
    try startAgents()
    try showMTU()
    try pingBothWays()
    try transfer()
    try showTables()
    try stopAgents()
  }

  private mutating func joinHosts() throws(LabFailure) {
    output.heading("Two hosts: network namespaces without a name, joined by a pair of Ethernet devices")
    do throws(Errno) {
      try LabHost.join(a, b, linkMTU: Self.underlayMTU)
    } catch {
      throw .step("join the hosts: \(error)")
    }
    output.say("    a: \(a.underlay), b: \(b.underlay), MTU \(Self.underlayMTU)")
  }

  private mutating func startAgents() throws(LabFailure) {
    output.heading("Two agents: `vtep run` in each host, configured to know the other. Host a has")
    let configurations = (a.configuration(peer: b, sealing: keys?.a), b.configuration(peer: a, sealing: keys?.b))
    output.quote(configurations.0)
    let start = ContinuousClock.now
    try a.startAgent(executable, configuration: configurations.0)
    try b.startAgent(executable, configuration: configurations.1)
    try a.awaitReady(interruption)
    try b.awaitReady(interruption)
    output.say("    Both are ready after \(DemoPicture.milliseconds(ContinuousClock.now - start)).")
  }

  private mutating func showMTU() throws(LabFailure) {
    output.heading("The MTU: what encapsulation costs, header by header, and what is left for the overlay")
    try show(["mtu", "--underlay-mtu", "\(Self.underlayMTU)"] + (keys == nil ? [] : ["--sealed"]))
    output.say("    \(LabHost.tap) has \(try a.tapMTU()) on host a and \(try b.tapMTU()) on host b.")
  }

  private mutating func pingBothWays() throws(LabFailure) {
    output.heading("Ping through the overlay, both ways; then the largest packet, not to be fragmented")
    let largest = try a.tapMTU() - 28
    for arguments in [["-c", "3", "-i", "0.2", "-W", "2"], ["-c", "1", "-W", "2", "-M", "do", "-s", "\(largest)"]] {
      try ping(arguments, from: a.namespace.descriptor, to: b.overlay.address)
      try ping(arguments, from: b.namespace.descriptor, to: a.overlay.address)
    }
  }

  private func ping(
    _ arguments: [String], from namespace: Int32, to address: IPAddress
  ) throws(LabFailure) {
    let program = LabProgram(path: ping, name: "ping", arguments: arguments + ["\(address)"])
    let text = try program.output(inNamespace: namespace, within: .seconds(10), interruption)
    // ping is content with a single answer; we are not.
    guard text.contains(", 0% packet loss") else { throw .step("`\(program.commandLine)` lost packets\n\(text)") }
    output.say("    $ \(program.commandLine)")
    output.quote(text.split(separator: "\n").suffix(2).joined(separator: "\n"))
  }

  private mutating func transfer() throws(LabFailure) {
    let megabytes = transferByteCount / 1_000_000
    output.heading("TCP from a to b: \(megabytes) MB, hashed at both ends, every byte compared on arrival")
    let transfer = DemoTransfer(byteCount: transferByteCount, seed: Self.transferSeed)
    let interruption = interruption
    let target = b.overlay.address
    let outcome = try transfer.run(from: a.namespace, to: target, in: b.namespace) { () throws(LabFailure) in
      try interruption.pause(milliseconds: 0)
    }
    let rate = DemoPicture.gigabitsPerSecond(byteCount: transfer.byteCount, in: outcome.duration)
    let amount = "\(transfer.byteCount) bytes in \(DemoPicture.milliseconds(outcome.duration))"
    output.say("    \(amount), \(rate)")
    let hash = outcome.hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    output.say("    BLAKE2b-256 of what a sent and of what b received, the same: \(hash)")
  }

  private mutating func showTables() throws(LabFailure) {
    output.heading("What the agents know: state, segments, learned addresses, peers, counters")
    for command in ["status", "segments", "fdb", "peers", "stats"] {
      try show([command, "--socket", a.socketPath])
    }
    try show(["fdb", "--socket", b.socketPath])
  }

  private mutating func stopAgents() throws(LabFailure) {
    output.heading("The end: SIGTERM to each agent; its device and its socket must go with it")
    let times = (DemoPicture.milliseconds(try a.stopAgent()), DemoPicture.milliseconds(try b.stopAgent()))
    output.say("    a ended with status 0 after \(times.0), b after \(times.1).")
  }

  /// Runs one of our own commands and shows what it prints.
  private func show(_ arguments: [String]) throws(LabFailure) {
    let program = LabProgram(path: executable, name: "vtep", arguments: arguments)
    let text = try program.output(inNamespace: nil, within: .seconds(5), interruption)
    output.say("    $ \(program.commandLine)")
    output.quote(text)
  }

  private func showLogs() {
    output.complain("\nThe agents' last lines:")
    for (name, lines) in [("a", a.lastLines(Self.logLineCount)), ("b", b.lastLines(Self.logLineCount))] {
      output.complain(lines.isEmpty ? "  \(name): (nothing)" : lines.map { "  \(name): \($0)" }.joined(separator: "\n"))
    }
  }

  private static let needsRoot = LabFailure.unavailable(
    "needs root, for network namespaces and TAP devices: run it as root, for example with sudo")

  /// Returns the path of `ping`.
  private static func checkRequirements() throws(LabFailure) -> String {
    guard geteuid() == 0 else { throw needsRoot }
    guard access("/dev/net/tun", R_OK | W_OK) == 0 else {
      throw .unavailable(
        "needs /dev/net/tun, which cannot be opened (\(Errno.current("access"))): load it with `modprobe tun`, "
          + "or start the container with `--device /dev/net/tun`")
    }
    guard let ping = ChildProcess.path(ofProgram: "ping") else {
      throw .unavailable("there is no `ping` in PATH; Debian has it in the package iputils-ping")
    }
    return ping
  }

  private static func host(
    _ name: String, _ underlay: String, _ overlay: String, _ directory: String
  ) throws(Errno) -> LabHost {
    guard let underlay = IPPrefix(underlay), let overlay = IPPrefix(overlay) else {
      preconditionFailure("the demonstration's own addresses are valid")
    }
    return try LabHost.create(name: name, underlay: underlay, overlay: overlay, directory: directory)
  }
}
