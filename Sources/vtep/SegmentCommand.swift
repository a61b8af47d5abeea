import Agent
import ArgumentParser
import VXLAN

/// `vtep segment`: adds and deletes segments of a running agent.
struct SegmentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "segment",
    abstract: "Add a segment to the running agent, or delete one.",
    discussion: """
      What is added stays until it is deleted or the agent ends, also across `vtep reload`, unless the configuration \
      then has a segment of the same VNI. A segment of the configuration that is deleted is back after the next \
      reload. `vtep segments` lists them.
      """,
    subcommands: [Add.self, Delete.self])

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Add a segment and its TAP; the options are the keys of the configuration.",
      discussion: "For example: vtep segment add --vni 43 --tap vx43 --address 10.43.0.1/24 --peers b,c")

    @Option(help: ArgumentHelp("The VNI.", valueName: "number"), transform: SegmentOption.parse)
    var vni: VNI

    @Option(help: ArgumentHelp("The name of the TAP, created if absent.", valueName: "name"))
    var tap: String

    @Option(help: ArgumentHelp("Set on the TAP; such as 10.43.0.1/24. May be repeated.", valueName: "prefix"))
    var address: [String] = []

    @Option(help: ArgumentHelp("The TAP's own MAC address.", valueName: "mac"))
    var mac: String?

    @Option(help: ArgumentHelp("Of an inner IP packet; without it: what the underlay leaves.", valueName: "bytes"))
    var mtu: Int?

    @Flag(help: "Nothing in clear ever leaves or enters.")
    var sealed = false

    @Option(help: ArgumentHelp("Of sealed segments: aes256gcm, chacha20poly1305 or auto.", valueName: "name"))
    var cipher: String?

    @Option(help: ArgumentHelp("The Linux bridge that the TAP becomes a port of.", valueName: "name"))
    var bridge: String?

    @Flag(name: .customLong("vlan-pass"), help: "Let frames with an 802.1Q tag pass.")
    var passesVLANTags = false

    @Option(help: ArgumentHelp("How long learned entries live, such as 300s; 0s: for ever.", valueName: "time"))
    var ageing: String?

    @Option(help: ArgumentHelp("How many entries are learned at most.", valueName: "number"))
    var fdbLimit: Int?

    @Option(
      help: ArgumentHelp(
        "Peers that get it, such as b,c, beside those that have all segments.", valueName: "names"))
    var peers: String?

    @OptionGroup var agent: AgentOptions

    func run() throws {
      let body = Body(
        vni: vni.rawValue, tap: tap, address: address.isEmpty ? nil : address, mac: mac, mtu: mtu,
        sealed: sealed ? true : nil, cipher: cipher, bridge: bridge, vlan: passesVLANTags ? "pass" : nil,
        ageing: ageing, fdbLimit: fdbLimit, peers: peers?.split(separator: ",").map(String.init))
      try agent.change("POST", "/v1/segments", body: try ReportJSON.encode(body))
    }

    private struct Body: Encodable {
      let vni: UInt32
      let tap: String
      let address: [String]?
      let mac: String?
      let mtu: Int?
      let sealed: Bool?
      let cipher: String?
      let bridge: String?
      let vlan: String?
      let ageing: String?
      let fdbLimit: Int?
      let peers: [String]?

      enum CodingKeys: String, CodingKey {
        case vni, tap, address, mac, mtu, sealed, cipher, bridge, vlan, ageing, peers
        case fdbLimit = "fdb-limit"
      }
    }
  }

  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "del", abstract: "Delete a segment; a TAP and a bridge that the agent created go with it.")

    @Option(help: ArgumentHelp("The VNI.", valueName: "number"), transform: SegmentOption.parse)
    var vni: VNI

    @OptionGroup var agent: AgentOptions

    func run() throws {
      try agent.change("DELETE", "/v1/segments/\(vni)")
    }
  }
}
