import Agent
import ArgumentParser
import VXLAN

/// `vtep fdb`: shows the tables, and changes them.
struct FDBCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fdb",
    abstract: "Show the forwarding table (FDB), or change it: which MAC address is behind which remote VTEP.",
    discussion: """
      Without a subcommand the table is shown: vtep fdb [--vni <number>] [-j]. State static is set by the \
      configuration or by hand, dynamic is learned from frames and ages, control is of a control plane. A MAC without \
      a peer is behind the own TAP. A large table is printed as it is read, 4,096 entries at a time, each time in the \
      order of the addresses.

      Examples:
        vtep fdb --vni 42
        vtep fdb add 02:00:00:00:00:01 --vni 42 --peer b
        vtep fdb explain 02:00:00:00:00:01 --vni 42

      Exit status: 0 done; 1 no agent answers, or there is nothing, or already something, to change.
      """,
    subcommands: [Show.self, Add.self, Replace.self, Delete.self, Flush.self, Explain.self],
    defaultSubcommand: Show.self)

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the entries.")

    @OptionGroup var agent: AgentOptions
    @OptionGroup var segment: SegmentOption

    func run() throws {
      let filter = segment.vni.map { "vni=\($0)&" } ?? ""
      var table = ReportText.fdbColumns
      try agent.showPages("/v1/fdb?\(filter)after=", of: FDBReport.self) { ReportText.fdb($0, in: &table) }
    }
  }

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Add a static entry for a MAC that has none, static or learned.")

    @OptionGroup var setting: SettingOptions

    func run() throws { try setting.ask("POST") }
  }

  struct Replace: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Set a static entry, also in the place of another one, static or learned.")

    @OptionGroup var setting: SettingOptions

    func run() throws { try setting.ask("PUT") }
  }

  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "del", abstract: "Delete the entry of a MAC, static or learned.")

    @OptionGroup var entry: EntryOptions
    @OptionGroup var agent: AgentOptions

    func run() throws {
      try agent.change("DELETE", "/v1/fdb?\(entry.query)")
    }
  }

  struct Flush: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Delete all dynamic entries of a segment.")

    @Option(
      name: .long, help: ArgumentHelp("The segment.", valueName: "number"), transform: SegmentOption.parse)
    var vni: VNI

    @OptionGroup var agent: AgentOptions

    func run() throws {
      try agent.change("POST", "/v1/fdb/flush?vni=\(vni)")
    }
  }

  struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Tell why a frame to a MAC goes where it goes.")

    @OptionGroup var entry: EntryOptions
    @OptionGroup var agent: AgentOptions

    func run() throws {
      try agent.show("/v1/fdb/explain?\(entry.query)", as: FDBExplanation.self, text: \.text)
    }
  }
}

/// The entry that a command is about.
struct EntryOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("The MAC address, such as 02:00:00:00:00:01.", valueName: "mac"), transform: Self.parse)
  var mac: MACAddress

  @Option(name: .long, help: ArgumentHelp("The segment.", valueName: "number"), transform: SegmentOption.parse)
  var vni: VNI

  var query: String { "vni=\(vni)&mac=\(ControlRequest.encode(mac.description))" }

  private static func parse(_ text: String) throws -> MACAddress {
    guard let mac = MACAddress(text) else {
      throw ValidationError("a MAC address is written as 02:00:00:00:00:01")
    }
    return mac
  }
}

/// The entry that is to be set, and where it is to point.
struct SettingOptions: ParsableArguments {
  @OptionGroup var entry: EntryOptions

  @Option(name: .long, help: ArgumentHelp("The peer that the MAC is at.", valueName: "name"))
  var peer: String

  @OptionGroup var agent: AgentOptions

  func ask(_ method: String) throws {
    try agent.change(method, "/v1/fdb?\(entry.query)&peer=\(ControlRequest.encode(peer))")
  }
}
