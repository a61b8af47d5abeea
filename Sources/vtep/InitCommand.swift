import Agent
import ArgumentParser
import Glibc
import Sealing
import VXLAN

/// `vtep init`: a first configuration and a key for it.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Write a commented starting configuration with a fresh private key.",
    discussion: """
      Makes vtep.yaml and private.key, both of mode 0600, and says what to do next: this host's public key is for the \
      other hosts. Nothing that is there is overwritten. Lines marked CHANGE wait for addresses and keys; vtep check \
      refuses the file until they are right. With --address and every --peer it is complete at once.

      Examples:
        sudo vtep init --output /etc/vtep --address 192.0.2.1
        vtep init --address 192.0.2.1 --peer b,192.0.2.2,KEY --peer c,192.0.2.3,KEY
        vtep init --plain --address 192.0.2.1 --peer b,192.0.2.2

      Exit status: 0 done; 1 a file is there already, or cannot be made; 64 wrong usage.
      """)

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Where to: a directory, or the name of the configuration, which ends in .yaml.", valueName: "dir|file"),
    completion: .directory)
  var output = "."

  @Option(
    help: ArgumentHelp("The address of this host on the underlay.", valueName: "address"), transform: Self.address)
  var address: IPAddress?

  @Option(
    help: ArgumentHelp("Another host, and its public key. May be repeated.", valueName: "name,address[,key]"),
    transform: Self.peer)
  var peer: [StartingConfiguration.Peer] = []

  @Option(help: ArgumentHelp("The number of the first segment.", valueName: "number"), transform: SegmentOption.parse)
  var vni = VNI(unchecked: 42)

  @Flag(help: "Without encryption, and so without a key.")
  var plain = false

  func run() throws {
    let place = InitPlace(output)
    let keyPath = plain ? nil : try place.keyPath()
    let start = StartingConfiguration(address: address, vni: vni, privateKeyPath: keyPath, peers: peer)
    try refuseMistakes(in: start)
    let file = try NewFile(place.configurationPath)
    var publicKey: PublicKey?
    do {
      if let keyPath { publicKey = try Self.makeKey(keyPath) }
      try file.write(Array(start.text.utf8).span)
    } catch {
      file.remove()
      if let keyPath, publicKey != nil { unlink(keyPath) }
      throw error
    }
    try Output.write(
      InitSteps(configurationPath: file.path, keyPath: keyPath, publicKey: publicKey, isComplete: isComplete).text)
  }

  private var isComplete: Bool {
    address != nil && !peer.isEmpty && (plain || peer.allSatisfy { $0.publicKey != nil })
  }

  /// What was said on the command line is judged as `vtep check` would, before anything is made.
  private func refuseMistakes(in start: StartingConfiguration) throws {
    do {
      _ = try Configuration.parse(start.text, file: "vtep init")
    } catch {
      let lines = start.text.split(separator: "\n", omittingEmptySubsequences: false)
      let isOpen = { (problem: ConfigurationProblem) in
        problem.line.map { lines[$0 - 1].contains(StartingConfiguration.mark) } ?? false
      }
      guard let mistake = error.problems.first(where: { !isOpen($0) }) else { return }
      throw ValidationError(mistake.message)
    }
  }

  /// Answers the public key of the private one in the new file.
  private static func makeKey(_ path: String) throws -> PublicKey {
    var entropy = SystemEntropy()
    let key = PrivateKey(from: &entropy)
    var text = key.exportedText
    let hasRoom = text.append(UInt8(ascii: "\n"))
    precondition(hasRoom, "a key's text has room for its newline")
    let file = try NewFile(path)
    try text.withBytes { try file.write($0) }
    return key.publicKey
  }

  private static func address(_ text: String) throws -> IPAddress {
    guard let address = IPAddress(text) else {
      throw ValidationError("an address is written as 192.0.2.1 or 2001:db8::1")
    }
    return address
  }

  private static func peer(_ text: String) throws -> StartingConfiguration.Peer {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard (2...3).contains(parts.count), !parts[0].isEmpty, let address = IPAddress(parts[1]) else {
      throw ValidationError("a peer is written as NAME,ADDRESS or NAME,ADDRESS,PUBLIC-KEY")
    }
    guard parts.count == 3 else { return .init(name: parts[0], address: address, publicKey: nil) }
    guard let key = PublicKey(base64: parts[2]) else {
      throw ValidationError("a public key is 44 characters of base64, as vtep pubkey prints it")
    }
    return .init(name: parts[0], address: address, publicKey: key)
  }
}

/// Where `vtep init` writes to.
private struct InitPlace {
  let configurationPath: String
  private let directory: String

  init(_ output: String) {
    if output.hasSuffix(".yaml") || output.hasSuffix(".yml") {
      configurationPath = output
      directory = output.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    } else {
      let trimmed = output.hasSuffix("/") ? String(output.dropLast()) : output
      configurationPath = "\(trimmed)/vtep.yaml"
      directory = trimmed
    }
  }

  /// As the agent finds it from wherever it is started.
  func keyPath() throws -> String {
    let name = directory.isEmpty ? (configurationPath.hasPrefix("/") ? "/" : ".") : directory
    guard let whole = realpath(name, nil) else {
      throw Output.failure("\(name) is no directory that can be used; make it first, or name another with --output")
    }
    defer { free(whole) }
    let path = String(cString: whole)
    return path == "/" ? "/private.key" : "\(path)/private.key"
  }
}

/// What is to be done after `vtep init`.
private struct InitSteps {
  let configurationPath: String
  let keyPath: String?
  let publicKey: PublicKey?
  let isComplete: Bool

  var text: String {
    var steps: [String] = []
    if let publicKey { steps.append("give the other hosts this one's public key: \(publicKey.base64)") }
    if !isComplete { steps.append("write addresses and keys into the lines that say CHANGE") }
    steps.append("vtep check --config \(configurationPath)")
    steps.append("sudo vtep run --config \(configurationPath)")
    let files = ([configurationPath] + (keyPath.map { [$0] } ?? [])).joined(separator: " and ")
    return "made \(files)\n\nNext:\n" + steps.enumerated().map { "  \($0 + 1). \($1)\n" }.joined()
  }
}
