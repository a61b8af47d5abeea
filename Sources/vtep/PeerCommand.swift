import Agent
import ArgumentParser
import VXLAN

/// `vtep peer`: adds and deletes peers of a running agent.
struct PeerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peer",
    abstract: "Add a peer (remote VTEP) to the running agent, or delete one.",
    discussion: """
      What is added stays until it is deleted or the agent ends, also across `vtep reload`, unless the configuration \
      then names a peer of the same name. A peer of the configuration that is deleted is back after the next reload. \
      `vtep peers` lists them.
      """,
    subcommands: [Add.self, Delete.self])

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Add a peer; the options are the keys of the configuration.",
      discussion: "For example: vtep peer add c --address 192.0.2.3 --segments 42,43")

    @Argument(help: ArgumentHelp("The name of the new peer.", valueName: "name"))
    var name: String

    @Option(help: ArgumentHelp("Its underlay address.", valueName: "address"))
    var address: String

    @Option(help: ArgumentHelp("Where plain VXLAN is sent (4789).", valueName: "port"))
    var port: Int?

    @Option(help: ArgumentHelp("Where sealed VXLAN is sent (4790).", valueName: "port"))
    var sealedPort: Int?

    @Option(help: ArgumentHelp("As `vtep pubkey` prints it; sealed segments need it.", valueName: "key"))
    var publicKey: String?

    @Option(help: ArgumentHelp("VNIs, such as 42,43; without it: all.", valueName: "vnis"), transform: VNIList.parse)
    var segments: [Int]?

    @Option(help: ArgumentHelp("Entries learned from it in one segment; 0 for no limit.", valueName: "number"))
    var fdbLimit: Int?

    @OptionGroup var agent: AgentOptions

    func run() throws {
      let body = Body(
        name: name, address: address, port: port, sealedPort: sealedPort, publicKey: publicKey, segments: segments,
        fdbLimit: fdbLimit)
      try agent.change("POST", "/v1/peers", body: try ReportJSON.encode(body))
    }

    private struct Body: Encodable {
      let name: String
      let address: String
      let port: Int?
      let sealedPort: Int?
      let publicKey: String?
      let segments: [Int]?
      let fdbLimit: Int?

      enum CodingKeys: String, CodingKey {
        case name, address, port, segments
        case sealedPort = "sealed-port"
        case publicKey = "public-key"
        case fdbLimit = "fdb-limit"
      }
    }
  }

  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "del", abstract: "Delete a peer, with the MACs that are behind it.")

    @Argument(help: ArgumentHelp("The name of the peer.", valueName: "name"))
    var name: String

    @OptionGroup var agent: AgentOptions

    func run() throws {
      try agent.change("DELETE", "/v1/peers/\(ControlRequest.encode(name))")
    }
  }
}

/// VNIs with commas between them.
enum VNIList {
  static func parse(_ text: String) throws -> [Int] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      Int(try SegmentOption.parse(String(part)).rawValue)
    }
  }
}
