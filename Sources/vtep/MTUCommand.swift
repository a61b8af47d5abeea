import Agent
import ArgumentParser
import VXLAN

/// `vtep mtu`: the overhead of a tunnel header by header, and the overlay MTU that is left; by arithmetic, or as a
/// running agent has it for one peer.
struct MTUCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mtu",
    abstract: "Show the tunnel's overhead, header by header, and the overlay MTU that is left.",
    discussion: """
      With --underlay-mtu by arithmetic alone. With --peer the agent is asked for the path to that peer and for what \
      the segments that it has add, the most where they differ.

      Examples:
        vtep mtu --underlay-mtu 1500 --sealed
        vtep mtu --peer b

      Exit status: 0 done; 1 nothing fits, no agent answers, or it has no such peer; 64 wrong usage.
      """)

  /// What the kernel takes as the MTU of a device, its `int`; the loopback device has 65,536.
  private static let linkMTUMax = Int(Int32.max)

  @Option(help: "The underlay's IP MTU in bytes, as `ip link` shows it.")
  var underlayMtu: Int?

  @Flag(help: "The underlay is IPv6.")
  var ipv6 = false

  @Flag(help: "The segment is sealed with aes256gcm or chacha20poly1305 (a tag of 16 bytes).")
  var sealed = false

  @Flag(help: "The segment passes inner VLAN tags (`vlan: pass`).")
  var vlan = false

  @Option(help: ArgumentHelp("Ask the running agent about the path to this peer.", valueName: "name"))
  var peer: String?

  @OptionGroup var agent: AgentOptions

  func validate() throws {
    guard peer == nil else {
      guard underlayMtu == nil, !ipv6, !sealed, !vlan else {
        throw ValidationError(
          "--peer takes everything from the agent; leave --underlay-mtu, --ipv6, --sealed and --vlan out.")
      }
      return
    }
    guard let underlayMtu else {
      throw ValidationError(
        "--underlay-mtu is missing; give the underlay's IP MTU, such as --underlay-mtu 1500, or --peer NAME.")
    }
    guard (1...Self.linkMTUMax).contains(underlayMtu) else {
      throw ValidationError(
        "--underlay-mtu \(underlayMtu) is out of range; the MTU of a device is 1 to \(Self.linkMTUMax) bytes.")
    }
  }

  func run() throws {
    if let peer {
      return try agent.show("/v1/mtu?peer=\(ControlRequest.encode(peer))", as: MTUReport.self, text: \.text)
    }
    guard let underlayMtu else { return }
    let overhead = Overhead(
      family: ipv6 ? .ipv6 : .ipv4, sealingTag: sealed ? .bytes16 : nil, passesVLANTag: vlan)
    guard let report = MTUReport(underlayMTU: underlayMtu, overhead: overhead) else {
      throw UnderlayTooSmall(underlayMTU: underlayMtu, overhead: overhead)
    }
    if agent.json {
      try Output.write(ReportJSON.encode(report))
    } else {
      try Output.write(report.text)
    }
  }
}

/// An underlay that carries no packet of a tunnel. Shown as it is; the exit status is 1.
private struct UnderlayTooSmall: Error, CustomStringConvertible {
  let underlayMTU: Int
  let overhead: Overhead

  var description: String {
    "an underlay MTU of \(underlayMTU) is too small: the overhead is \(overhead.byteCount) bytes and no TAP takes an"
      + " MTU under \(Overhead.overlayMTUMin); the underlay needs \(overhead.underlayMTUMin) or more"
  }
}
