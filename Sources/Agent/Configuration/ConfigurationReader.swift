import Sealing
import VXLAN

/// Turns a document into a configuration, section by section, and collects every problem on the way.
///
/// What must be unique is claimed as it is read; what refers to another section is kept and resolved at the end.
/// For one document and one thread.
final class ConfigurationReader {
  /// A name or number that stands for something in another section.
  struct Reference<Target> {
    let target: Target
    let line: Int
  }

  /// A static entry's peer, which must have the segment.
  struct StaticPeer {
    let name: String
    let vni: VNI?
  }

  let problems = ProblemList()
  /// What is read beside the file, and what of it is not.
  let changes: RunTimeChanges
  let places: ConfigurationPlaces
  var vnis = Claims<VNI>("VNI")
  var taps = Claims<String>("TAP")
  var overlayAddresses = Claims<IPAddress>("overlay address")
  var peerNames = Claims<String>("peer name")
  var peerAddresses = Claims<IPAddress>("peer address")
  /// Not shown: it may be a private one in the wrong place.
  var publicKeys = Claims<PublicKey>("public key", isShown: false)
  var bridges: [Reference<String>] = []
  var staticPeers: [Reference<StaticPeer>] = []
  var segmentsOfPeers: [Reference<VNI>] = []
  /// The line of `local` where it names no private key.
  var keylessLocalLine: Int?
  /// False after a segment whose VNI or a peer whose name is wrong: then a reference may mean that one.
  var knowsEverySegment = true
  var knowsEveryPeer = true

  init(changes: RunTimeChanges = RunTimeChanges(), places: ConfigurationPlaces = ConfigurationPlaces()) {
    self.changes = changes
    self.places = places
    problems.places = places
  }

  /// Nil when `problems` has any.
  func read(_ document: ConfigurationDocument) -> Configuration? {
    let item = MappingReader.Item(node: document.root, line: document.root.mark?.line ?? 1)
    guard var root = MappingReader(item, path: "", problems: problems) else { return nil }
    let local = readLocal(&root)
    let control = readControl(&root)
    let workers = root.value("workers", default: .auto) { scalar throws(ValueFault) in
      try scalar.workers()
    }
    let log = readLog(&root)
    let user = root.optional("user") { scalar throws(ValueFault) in try scalar.userName() }
    let userLine = SourceLine(root.line(of: "user"))
    let segments = readSegments(&root, local: local)
    let peers = readPeers(&root, local: local)
    root.finish()
    resolveReferences(peers)
    judgeSealing(segments, peers)
    guard problems.problems.isEmpty, let local else { return nil }
    return Configuration(
      local: local, control: control, workers: workers, log: log,
      user: user.map { Configuration.User($0, line: userLine) }, segments: segments, peers: peers)
  }

  private func readLocal(_ root: inout MappingReader) -> Configuration.Local? {
    root.noteMissing("local", example: "local: {address: 192.0.2.1}")
    guard var keys = root.mapping("local") else { return nil }
    let address = keys.required("address", example: "address: 192.0.2.1") { scalar throws(ValueFault) in
      try scalar.underlayAddress()
    }
    // A placeholder lets the other keys be judged too; the problem that is noted keeps it from being used.
    var local = Configuration.Local(address: address ?? IPAddress(ipv4: 0))
    (local.udpPort, local.sealedUDPPort) = readPorts(&keys, "local")
    local.privateKeyFile = readSecretPath("private-key-file", &keys)
    local.presharedKeyFile = readSecretPath("psk-file", &keys)
    keylessLocalLine = keys.has("private-key-file") ? nil : keys.line
    local.sourcePortCount = keys.value("source-ports", default: local.sourcePortCount) { scalar throws(ValueFault) in
      try scalar.number(1...Configuration.Limits.sourcePortCountMax, "the count of source ports")
    }
    local.offload = keys.value("offload", default: local.offload) { scalar throws(ValueFault) in
      try scalar.choice()
    }
    local.udp6ZeroChecksum = keys.value("udp6-zero-checksum", default: local.udp6ZeroChecksum) {
      scalar throws(ValueFault) in try scalar.choice()
    }
    local.pathMTURaise = keys.value("path-mtu-raise", default: local.pathMTURaise) { scalar throws(ValueFault) in
      try scalar.duration(Configuration.Limits.pathMTURaises)
    }
    keys.finish()
    return address == nil ? nil : local
  }

  private func readControl(_ root: inout MappingReader) -> Configuration.Control {
    var control = Configuration.Control()
    guard var keys = root.mapping("control") else { return control }
    control.socket = keys.value("socket", default: control.socket) { scalar throws(ValueFault) in
      try scalar.socketPath()
    }
    control.metrics = keys.optional("metrics") { scalar throws(ValueFault) in try scalar.listenAddress() }
    control.keyLog = readSecretPath("key-log", &keys)
    keys.finish()
    return control
  }

  private func readLog(_ root: inout MappingReader) -> Configuration.Log {
    var log = Configuration.Log()
    guard var keys = root.mapping("log") else { return log }
    log.level = keys.value("level", default: log.level) { scalar throws(ValueFault) in try scalar.choice() }
    log.format = keys.value("format", default: log.format) { scalar throws(ValueFault) in try scalar.choice() }
    keys.finish()
    return log
  }
}

/// Values that must not stand twice, with the line that had each first.
struct Claims<Value: Hashable> {
  /// What a value is, in an error message.
  let noun: String
  /// Whether messages say what the value is.
  private let isShown: Bool
  private var lines: [Value: Int] = [:]

  init(_ noun: String, isShown: Bool = true) {
    self.noun = noun
    self.isShown = isShown
  }

  /// Whether somebody claimed `value`.
  func contains(_ value: Value) -> Bool { lines[value] != nil }

  /// Claims `value` for `line`, or notes that an earlier line has it.
  mutating func claim(_ value: Value, line: Int, _ problems: ProblemList) {
    if let earlier = lines[value] {
      let shown = isShown ? "\(noun) \(value)" : noun
      problems.add(line, "the \(shown) is used already in \(problems.places.text(earlier)); each must be unique")
    } else {
      lines[value] = line
    }
  }
}

extension ScalarText {
  /// `auto` or a count of threads.
  fileprivate func workers() throws(ValueFault) -> Configuration.Workers {
    if text == "auto" { return .auto }
    let range = 1...Configuration.Limits.workerCountMax
    return .count(try number(range, "workers is auto or"))
  }
}
