import Testing

@testable import Agent

@Suite("The manual")
struct ManualTests {
  private typealias Samples = ConfigurationSamples

  /// What every command has.
  private static let ofAll: Set = ["-h", "--help", "--version"]

  /// What the manual has ahead of the program: each goes when it is built.
  private static let commandsAhead: Set<String> = []
  private static let optionsAhead: [String: Set<String>] = [:]

  /// Sections of vtep.yaml(5), with a file that has one wrong key there, `qqqqqqqq`.
  private static let sections: [(title: String, text: String)] = [
    ("TOP LEVEL", Samples.more("qqqqqqqq: 1")), ("LOCAL", Samples.local("qqqqqqqq: 1")),
    ("CONTROL", Samples.more("control: {qqqqqqqq: 1}")), ("LOG", Samples.more("log: {qqqqqqqq: 1}")),
    ("SEGMENTS", Samples.segment("qqqqqqqq: 1")),
    (
      "STATIC ENTRIES", Samples.segment("fdb: [{mac: \"02:00:00:00:00:02\", peer: b, qqqqqqqq: 1}]")
    ),
    ("PEERS", Samples.peer("qqqqqqqq: 1")),
  ]

  /// What `--help` says of every command that does something, by its words.
  private func commands(_ program: BuiltProgram, under words: [String] = []) throws -> [String: Set<String>] {
    let help = try program.run(words + ["--help"])
    try #require(help.status == 0, "\(words): \(help.message)")
    let lines = help.output.split(separator: "\n", omittingEmptySubsequences: false)
    let named = lines.drop { $0 != "SUBCOMMANDS:" }.compactMap { $0.firstMatch(of: /^  ([a-z]+)(?: |$)/)?.1 }
    guard named.isEmpty else {
      return try named.reduce(into: [:]) { found, name in
        found.merge(try commands(program, under: words + [String(name)])) { first, _ in first }
      }
    }
    let heads = lines.filter { $0.hasPrefix("  -") }.map { $0.dropFirst(2).prefix(while: { $0 != "<" }) }
    let options = heads.flatMap { head in
      head.split(separator: "  ")[0].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    return [words.joined(separator: " "): Set(options)]
  }

  @Test("vtep(8) has every command and every option that --help has, and no other")
  func commands() throws {
    let page = try ManualPage(named: "vtep.8")
    let (manual, help) = (page.commands, try commands(BuiltProgram()))
    #expect(help.count > 10)
    #expect(Set(help.keys).isSubset(of: manual.keys))
    #expect(Set(manual.keys).subtracting(help.keys).isSubset(of: Self.commandsAhead))
    let common = page.options(ofSection: "LOOKING AT A RUNNING AGENT")
    #expect(common == ["--socket", "-j", "--json"])
    for (name, options) in help {
      let wanted = options.subtracting(Self.ofAll)
      let ahead = Self.optionsAhead[name, default: []].subtracting(wanted)
      let named = manual[name, default: .init()].headOptions.subtracting(ahead)
      #expect(named == wanted, "\(name)")
      // What the head alone names is explained in the text or for all commands of a section.
      let listed = manual[name, default: .init()].listedOptions.subtracting(ahead)
      #expect(listed.isSubset(of: wanted), "\(name)")
      #expect(wanted.subtracting(listed).isSubset(of: common.union(["--config"])), "\(name)")
    }
  }

  @Test("vtep.yaml(5) has every key that the reader knows, and no other", arguments: sections)
  func keys(title: String, text: String) throws {
    let manual = try ManualPage(named: "vtep.yaml.5").keys(ofSection: title)
    do {
      _ = try Configuration.parse(text, file: "f")
      Issue.record("accepted: \(text)")
    } catch {
      let known = try #require(error.description.firstMatch(of: /known are ([a-z0-9, -]+)/)?.1, "\(error)")
      let keys = Set(known.split(separator: ", ").map(String.init))
      #expect(keys.isSubset(of: manual.keys))
      #expect(Set(manual.keys).isSubset(of: keys))
    }
    for (key, text) in manual {
      #expect(text.contains("Default:") || text.contains("Required") || text.contains(".Sx"), "\(title) \(key)")
    }
  }

  @Test("vtep.yaml(5) names the defaults that there are")
  func defaults() throws {
    let page = try ManualPage(named: "vtep.yaml.5")
    let local = Configuration.Local(address: .init(ipv4: 0))
    typealias Segment = Configuration.Segment
    let expected: [(section: String, key: String, value: String)] = [
      ("LOCAL", "port", "\(local.udpPort)"), ("LOCAL", "sealed-port", "\(local.sealedUDPPort)"),
      ("LOCAL", "source-ports", "\(local.sourcePortCount)"), ("LOCAL", "path-mtu-raise", "600s"),
      ("LOCAL", "offload", ".Li \(local.offload)"), ("LOCAL", "udp6-zero-checksum", ".Li \(local.udp6ZeroChecksum)"),
      ("CONTROL", "socket", ".Pa \(Configuration.Control().socket)"), ("LOG", "level", ".Li info"),
      ("LOG", "format", ".Li logfmt"), ("SEGMENTS", "fdb-limit", "\(Segment.fdbLimitDefault)"),
      ("SEGMENTS", "storm-limit", "\(Segment.stormLimitDefault)"),
      ("SEGMENTS", "ageing", "\(Segment.ageingDefault.components.seconds)s"), ("SEGMENTS", "learning", ".Li true"),
      ("SEGMENTS", "sealed", ".Li false"), ("SEGMENTS", "vlan", ".Li drop"), ("SEGMENTS", "reserved", ".Li strict"),
      ("PEERS", "port", "4789"), ("PEERS", "sealed-port", "4790"), ("PEERS", "fdb-limit", "0"),
    ]
    for (section, key, value) in expected {
      let text = try #require(page.keys(ofSection: section)[key], "\(section) \(key)")
      let told = text.split(separator: "Default:").last?.split(separator: "\n").first.map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      #expect(told == "\(value)." || told == "\(value) .", "\(section) \(key): \(told ?? "none")")
    }
  }
}
