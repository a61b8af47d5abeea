import FoundationEssentials
import Glibc
import LinuxIO
import VXLAN

/// One "host" of the lab: a network namespace with one end of the underlay, and the agent in it.
///
/// At the end of the value's life its agent is killed, and its namespace goes with all devices.
package struct LabHost: ~Copyable, Sendable {
  package static let tap = "vx42"
  package static let underlayDevice = "underlay0"
  package static let vni = 42
  /// Starting and stopping take well under a second each; the contract gives the stop two.
  private static let readyTime = Duration.seconds(10)
  private static let stopTime = Duration.seconds(2)

  package let name: String
  package let underlay: IPPrefix
  package let overlay: IPPrefix
  package let namespace: NetworkNamespace
  package let configurationPath: String
  package let socketPath: String
  private let log: ChildProcessOutput
  private var agent: ChildProcess?
  /// The number of the agent's process, its own until the value is gone; nil before `startAgent`.
  package private(set) var agentPID: Int32?

  private init(
    _ name: String, _ underlay: IPPrefix, _ overlay: IPPrefix, _ directory: String,
    _ log: consuming ChildProcessOutput, _ namespace: consuming NetworkNamespace
  ) {
    self.name = name
    self.underlay = underlay
    self.overlay = overlay
    configurationPath = "\(directory)/\(name).yaml"
    socketPath = "\(directory)/\(name).sock"
    self.log = log
    self.namespace = namespace
  }

  /// A host without devices. The agent's configuration and socket go into `directory`.
  package static func create(
    name: String, underlay: IPPrefix, overlay: IPPrefix, directory: String
  ) throws(Errno) -> LabHost {
    let log = try ChildProcessOutput()
    let namespace = try NetworkNamespace.create()
    return LabHost(name, underlay, overlay, directory, log, namespace)
  }

  /// Joins two hosts by a pair of Ethernet devices with their underlay addresses, up.
  package static func join(_ a: borrowing LabHost, _ b: borrowing LabHost, linkMTU: Int) throws(Errno) {
    var netlink = try NetlinkSocket()
    try netlink.createVeth(
      named: underlayDevice, inNamespace: a.namespace.descriptor, peerNamed: underlayDevice,
      peerNamespace: b.namespace.descriptor, linkMTU: linkMTU)
    try a.configureUnderlay()
    try b.configureUnderlay()
  }

  private borrowing func configureUnderlay() throws(Errno) {
    let underlay = underlay
    try namespace.run { () throws(Errno) in
      var netlink = try NetlinkSocket()
      guard let link = try netlink.link(named: Self.underlayDevice) else { throw Errno(ENODEV, Self.underlayDevice) }
      try netlink.addAddress(underlay, toLink: link.index)
      try netlink.setLink(index: link.index, LinkChange(isUp: true))
    }
  }

  /// The agent's configuration; `peer` is the one other host. Without `sealing` the segment is plain.
  package func configuration(peer: borrowing LabHost, sealing: LabSealing? = nil) -> String {
    let privateKey = sealing.map { "\n  private-key-file: \(Self.quoted($0.privateKeyFile))" } ?? ""
    let isSealed = sealing == nil ? "" : "\n    sealed: true"
    let cipher = sealing?.cipher.map { "\n    cipher: \($0)" } ?? ""
    let publicKey = sealing.map { "\n    public-key: \"\($0.peerPublicKey)\"" } ?? ""
    return """
      local:
        address: \(underlay.address)\(privateKey)
      control:
        socket: \(Self.quoted(socketPath))
      segments:
        - vni: \(Self.vni)
          tap: \(Self.tap)
          address: [\(overlay)]\(isSealed)\(cipher)
      peers:
        - name: \(peer.name)
          address: \(peer.underlay.address)\(publicKey)

      """
  }

  /// The text in quotes as YAML reads it back, with everything escaped that is not plain.
  package static func quoted(_ text: String) -> String {
    let escaped = text.unicodeScalars.map { scalar in
      let isPlain = scalar.properties.isAlphabetic || scalar.properties.numericType != nil
      if isPlain || "/._-".unicodeScalars.contains(scalar) { return String(scalar) }
      let digits = String(scalar.value, radix: 16)
      return "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
    }
    return "\"" + escaped.joined() + "\""
  }

  /// Starts the agent in the namespace, with its output kept for `lastLines`.
  package mutating func startAgent(_ executable: String, configuration: String) throws(LabFailure) {
    do {
      try configuration.write(toFile: configurationPath, atomically: false, encoding: .utf8)
    } catch {
      throw .step("write \(configurationPath): \(error)")
    }
    // Whoever waits for a notification waits for this process's, not for that of one agent.
    let environment = ChildProcess.inheritedEnvironment().filter { !$0.hasPrefix("NOTIFY_SOCKET=") }
    do throws(Errno) {
      let child = try ChildProcess(
        executable, arguments: ["vtep", "run", "--config", configurationPath], environment: environment,
        namespace: namespace.descriptor, output: log.descriptor, error: log.descriptor)
      agentPID = child.pid
      agent = consume child
    } catch {
      throw .step("start the agent of host \(name): \(error)")
    }
  }

  /// Waits until the agent has printed `ready`.
  package mutating func awaitReady(_ interruption: LabInterruption) throws(LabFailure) {
    let deadline = ContinuousClock.now + Self.readyTime
    while ContinuousClock.now < deadline {
      if try lines().contains("ready") { return }
      if let exit = try agentExit(by: .now) {
        throw .step("the agent of host \(name) ended before it was ready: \(exit)")
      }
      try interruption.pause(milliseconds: 20)
    }
    throw .step("the agent of host \(name) was not ready within \(Self.readyTime)")
  }

  /// The MTU of the TAP, which the agent derived from the underlay's.
  package borrowing func tapMTU() throws(LabFailure) -> Int {
    guard let link = try tapLink() else { throw .step("host \(name) has no device \(Self.tap)") }
    return link.linkMTU
  }

  /// Stops the agent by SIGTERM and checks that it ended with status 0 in time and took its TAP and its socket along.
  package mutating func stopAgent() throws(LabFailure) -> Duration {
    let start = ContinuousClock.now
    do throws(Errno) {
      try agent?.send(signal: SIGTERM)
    } catch {
      throw .step("stop the agent of host \(name): \(error)")
    }
    guard let exit = try agentExit(by: start + Self.stopTime) else {
      throw .step("the agent of host \(name) did not stop within \(Self.stopTime)")
    }
    guard exit == .status(0) else { throw .step("the agent of host \(name) did not stop with status 0: \(exit)") }
    let time = ContinuousClock.now - start
    guard try tapLink() == nil else { throw .step("the agent of host \(name) left its device \(Self.tap)") }
    guard access(socketPath, F_OK) != 0 else { throw .step("the agent of host \(name) left \(socketPath)") }
    return time
  }

  /// Ends the agent, if it runs, by whatever it takes.
  package mutating func endAgent() {
    do throws(Errno) {
      _ = try agent?.terminate(grace: Self.stopTime)
    } catch {
      // What is left is for the end of the child's value, which kills it.
      agent = nil
      agentPID = nil
    }
  }

  /// The last lines that the agent printed.
  package borrowing func lastLines(_ count: Int) -> [String] {
    do throws(Errno) { return try log.lastLines(count) } catch { return ["(cannot be read: \(error))"] }
  }

  private borrowing func lines() throws(LabFailure) -> [String] {
    do throws(Errno) {
      return try log.lastLines(Int.max)
    } catch {
      throw .step("read the output of host \(name)'s agent: \(error)")
    }
  }

  private borrowing func tapLink() throws(LabFailure) -> Link? {
    do throws(Errno) {
      return try namespace.run { () throws(Errno) in
        var netlink = try NetlinkSocket()
        return try netlink.link(named: Self.tap)
      }
    } catch {
      throw .step("look at the devices of host \(name): \(error)")
    }
  }

  /// Nil when the agent still runs at `deadline`.
  private mutating func agentExit(by deadline: ContinuousClock.Instant) throws(LabFailure) -> ChildProcess.Exit? {
    do throws(Errno) {
      return try agent?.wait(until: deadline)
    } catch {
      throw .step("wait for the agent of host \(name): \(error)")
    }
  }
}
