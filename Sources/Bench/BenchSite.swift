import Glibc
import Lab
import LinuxIO
import VXLAN

/// Two hosts in namespaces of their own with an underlay between them, and one candidate that carries an overlay.
///
/// Made fresh for every turn, so that no candidate finds what an earlier one left. It goes, with agents and devices, at
/// the end of the value's life.
struct BenchSite: ~Copyable {
  private static let underlayMTU = 1500
  private static let udpPort: UInt16 = 4789
  private static let answerTime = Duration.seconds(5)
  /// What a card does that can segment neither UDP nor tunnels: nothing of this; and what arrives is joined again.
  private static let segmentationFeatures: [LinkFeature] = LinkFeature.allCases.filter { $0 != .receiveOffload }

  let candidate: Candidate
  /// What seals the segment, as an agent says; nil unless it is sealed.
  private(set) var cipher: String?
  var a: LabHost
  var b: LabHost
  private let interruption: LabInterruption

  /// The address of the second host as the workloads call it, and that of the first.
  var destination: IPAddress { candidate == .underlay ? b.underlay.address : b.overlay.address }
  var origin: IPAddress { candidate == .underlay ? a.underlay.address : a.overlay.address }

  /// The processes of the candidate's agents.
  var agentPIDs: [pid_t] { [a.agentPID, b.agentPID].compactMap { $0 } }

  private init(
    _ candidate: Candidate, _ a: consuming LabHost, _ b: consuming LabHost, _ interruption: LabInterruption
  ) {
    self.candidate = candidate
    self.a = a
    self.b = b
    self.interruption = interruption
  }

  /// Makes the hosts and the candidate, and waits until the overlay answers.
  /// - Parameters:
  ///   - executable: the `vtep` that is measured.
  ///   - directory: for configurations and control sockets.
  ///   - keys: of the two hosts, where the candidate seals.
  /// - Throws: `.unavailable` when this machine does not have the candidate.
  static func build(
    _ turn: BenchPlan.Turn, executable: String, directory: String, keys: LabKeys?, _ interruption: LabInterruption
  ) throws(LabFailure) -> BenchSite {
    let a = try host("a", "192.0.2.1/24", "10.42.0.1/24", directory)
    let b = try host("b", "192.0.2.2/24", "10.42.0.2/24", directory)
    var site = BenchSite(turn.candidate, a, b, interruption)
    try site.join(turn.underlay)
    switch turn.candidate {
    case .underlay: break
    case .kernel: try site.makeKernelVXLAN()
    case .vtep: try site.startAgents(executable, nil)
    case .vtepSealed: try site.startAgents(executable, keys)
    case .codec, .codecSealed: throw .unavailable("\(turn.candidate.rawValue) is not measured between hosts")
    }
    try site.awaitAnswer()
    if turn.candidate == .vtepSealed {
      site.cipher = try AgentCipher.read(of: site.a, executable: executable, interruption)
    }
    return site
  }

  /// Stops agents in order; the rest goes with the value.
  mutating func takeDown() throws(LabFailure) {
    guard !agentPIDs.isEmpty else { return }
    _ = try a.stopAgent()
    _ = try b.stopAgent()
  }

  /// What the agents said last, for a failure.
  var agentLines: String {
    agentPIDs.isEmpty ? "" : (a.lastLines(3) + b.lastLines(3)).joined(separator: "; ")
  }

  private static func host(
    _ name: String, _ underlay: String, _ overlay: String, _ directory: String
  ) throws(LabFailure) -> LabHost {
    guard let underlay = IPPrefix(underlay), let overlay = IPPrefix(overlay) else {
      preconditionFailure("the bench's own addresses are valid")
    }
    return try LabFailure.step("make host \(name)") { () throws(Errno) in
      try LabHost.create(name: name, underlay: underlay, overlay: overlay, directory: directory)
    }
  }

  private borrowing func join(_ underlay: Underlay) throws(LabFailure) {
    do throws(Errno) {
      try LabHost.join(a, b, linkMTU: Self.underlayMTU)
      try Self.setFeatures(of: a.namespace, segments: underlay == .segmenting)
      try Self.setFeatures(of: b.namespace, segments: underlay == .segmenting)
    } catch {
      throw .step("join the hosts: \(error)")
    }
  }

  /// A pair of Ethernet devices hands superframes over whole, unless it is told that it can cut nothing: then the
  /// kernel cuts before it sends, and the other end joins what fits (GRO).
  private static func setFeatures(of namespace: borrowing NetworkNamespace, segments: Bool) throws(Errno) {
    try namespace.run { () throws(Errno) in
      for feature in segmentationFeatures {
        // Some kernels have fewer; the two that decide are looked at.
        let isSet = try feature.set(!segments, ofLink: LabHost.underlayDevice)
        guard isSet || ![.tcpSegmentation, .udpSegmentation].contains(feature) else {
          throw Errno(EOPNOTSUPP, "switch \(feature.rawValue)")
        }
      }
      guard try LinkFeature.receiveOffload.set(segments, ofLink: LabHost.underlayDevice) else {
        throw Errno(EOPNOTSUPP, "switch \(LinkFeature.receiveOffload.rawValue)")
      }
    }
  }

  private borrowing func makeKernelVXLAN() throws(LabFailure) {
    do throws(Errno) {
      try Self.makeKernelVXLAN(on: a, remote: b.underlay.address)
      try Self.makeKernelVXLAN(on: b, remote: a.underlay.address)
    } catch {
      guard error.number != EOPNOTSUPP else { throw .unavailable("this kernel has no VXLAN (\(error))") }
      throw .step("make the kernel's VXLAN: \(error)")
    }
  }

  private static func makeKernelVXLAN(on host: borrowing LabHost, remote: IPAddress) throws(Errno) {
    let (local, overlay) = (host.underlay.address, host.overlay)
    guard let vni = VNI(UInt32(LabHost.vni)) else { preconditionFailure("the lab's VNI is valid") }
    try host.namespace.run { () throws(Errno) in
      var netlink = try NetlinkSocket()
      let overhead = Overhead(family: remote.family, sealingTag: nil, passesVLANTag: false)
      try netlink.createVXLAN(
        named: LabHost.tap, vni: vni, local: local, remote: remote, udpPort: udpPort,
        linkMTU: underlayMTU - overhead.byteCount)
      guard let link = try netlink.link(named: LabHost.tap) else { throw Errno(ENODEV, LabHost.tap) }
      try netlink.addAddress(overlay, toLink: link.index)
      try netlink.setLink(index: link.index, LinkChange(isUp: true))
    }
  }

  private mutating func startAgents(_ executable: String, _ keys: LabKeys?) throws(LabFailure) {
    let configurations = (a.configuration(peer: b, sealing: keys?.a), b.configuration(peer: a, sealing: keys?.b))
    try a.startAgent(executable, configuration: configurations.0)
    try b.startAgent(executable, configuration: configurations.1)
    try a.awaitReady(interruption)
    try b.awaitReady(interruption)
  }

  private borrowing func awaitAnswer() throws(LabFailure) {
    let deadline = ContinuousClock.now + Self.answerTime
    let probe = try LabFailure.step("reach \(destination)") { () throws(Errno) in
      try RoundTrips(byteCount: 64, from: a.namespace, to: destination, in: b.namespace)
    }
    while ContinuousClock.now < deadline {
      if try LabFailure.step("reach \(destination)", { () throws(Errno) in try probe.tryOnce() }) { return }
      try interruption.pause(milliseconds: 0)
    }
    throw .step("no answer from \(destination) within \(Self.answerTime)")
  }
}
