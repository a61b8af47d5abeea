import Agent
import ArgumentParser
import Capture
import Glibc
import Sealing
import VXLAN
import Verify

/// `vtep verify`: judges captures by named rules.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Judge a capture of the underlay by named rules.",
    discussion: """
      Reads pcap and pcapng, or standard input as `-`. A capture is of the underlay: datagrams to the ports of VXLAN \
      are judged, the rest is counted. Packets are numbered from 1, as Wireshark does. `--rules` lists what is judged.

      Examples:
        vtep verify underlay.pcap
        tcpdump -i eth0 -w - udp port 4790 | vtep verify - --sealed 42
        vtep verify underlay.pcap --keys keys.log --json
        vtep verify -i eth0 --sealed 42 --strict
        vtep verify --compare host1.pcap host2.pcap
        sudo vtep verify --live --canary --vni 42

      Exit status: 0 all rules hold; 1 one is broken, or an expectation is not met; 2 it could not be judged; 64 wrong \
      usage.
      """)

  @Argument(help: ArgumentHelp("Captures; `-` is standard input.", valueName: "file"))
  var files: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Judge what passes this interface, until SIGINT or SIGTERM.", valueName: "name"))
  var interface: String?

  @Flag(help: "Say that the capture is live; goes with -i or --canary.")
  var live = false

  @Flag(name: [.customShort("j"), .long], help: "Print one JSON object, or a list of them for several files.")
  var json = false

  @Flag(name: [.customShort("q"), .long], help: "Print nothing but errors; the exit status tells.")
  var quiet = false

  @Flag(help: "Warnings count as errors.")
  var strict = false

  @Option(help: ArgumentHelp("Write a JUnit report too.", valueName: "file"))
  var junit: String?

  @Option(help: ArgumentHelp("Open sealed datagrams with the keys of this key log.", valueName: "file"))
  var keys: String?

  @Option(help: ArgumentHelp("UDP ports of plain VXLAN, separated by commas (default: 4789).", valueName: "ports"))
  var port: String?

  @Option(help: ArgumentHelp("UDP ports of sealed VXLAN, separated by commas (default: 4790).", valueName: "ports"))
  var sealedPort: String?

  @Option(help: ArgumentHelp("A segment that there is; others are findings then. May be repeated.", valueName: "vni"))
  var vni: [String] = []

  @Option(help: ArgumentHelp("A segment that never goes in clear. May be repeated.", valueName: "vni"))
  var sealed: [String] = []

  @Option(
    help: ArgumentHelp("Take ports, segments, and which are sealed from an agent's configuration.", valueName: "file"))
  var config: String?

  @Option(help: "The MTU of the segments in bytes (default: what the underlay carries).")
  var mtu: Int?

  @Option(help: "The underlay's IP MTU in bytes (default: 1500).")
  var underlayMtu: Int?

  @Option(
    help: ArgumentHelp(
      "What must be there: a segment, a number of datagrams, a number of VTEPs, as vni=42,min=100,peers=2.",
      valueName: "list"))
  var expect: [String] = []

  @Flag(help: "List the rules and end.")
  var rules = false

  @OptionGroup var comparison: ComparisonOptions
  @OptionGroup var leakTest: CanaryOptions

  func validate() throws {
    guard try !validateOtherTests() else { return }
    guard rules || files.isEmpty == (interface != nil) else {
      throw ValidationError("Which capture? Give files, - for standard input, or -i and an interface.")
    }
    guard !live || interface != nil else { throw ValidationError("--live goes with -i INTERFACE.") }
    guard files.count(where: { $0 == CaptureFile.standardInput }) <= 1 else {
      throw ValidationError("Standard input can be read once.")
    }
    _ = try options()
  }

  func run() throws {
    guard !rules else { return try VerifyOutput.write(Array(VerifyOutput.rules.utf8)) }
    guard try !runOtherTests() else { return }
    let (plan, expectations) = try options(beyond: try configuredPlan())
    if interface != nil { StopSignal.catchAll() }
    var outcomes: [VerifyOutcome] = []
    for file in interface.map({ [$0] }) ?? files {
      do throws(CaptureError) {
        outcomes.append(.judged(try judge(file, plan, expectations)))
      } catch {
        Output.say(error.message)
        outcomes.append(.unread(file: file, message: error.message))
      }
    }
    try VerifyOutput.show(outcomes, isJSON: json, isQuiet: quiet, isList: files.count > 1)
    if let junit { try VerifyOutput.write(VerifyOutcome.junit(outcomes, isStrict: strict), to: junit) }
    let reports = outcomes.compactMap(\.report)
    guard reports.count == outcomes.count else { throw ExitCode(2) }
    guard reports.allSatisfy({ $0.verdict == .pass }) else { throw ExitCode(1) }
    // What was read holds; of the rest nobody knows.
    guard reports.allSatisfy({ $0.incompleteness == nil }) else { throw ExitCode(2) }
  }

  private func judge(
    _ file: String, _ plan: VerifyPlan, _ expectations: [Expectation]
  ) throws(CaptureError) -> VerifyReport {
    let ring = try keys.map { path throws(CaptureError) in try KeyLogFile.keyRing(path: path) }
    var progress = VerifyProgress([file])
    let source: any PacketSource = try interface == nil ? open(file, progress) : openInterface(file)
    defer { progress.end() }
    var judge = Judge(plan: plan, linkType: source.linkType, keys: ring)
    let message = try VerifyRun.perform(source, into: &judge) { counts in
      progress.show(byteCount: counts.byteCount, packetCount: counts.packetCount)
      return !StopSignal.isRaised
    }
    progress.end()
    if let message { Output.say("\(file): \(message); judged is what could be read") }
    var report = VerifyReport(judge, file: file, isStrict: strict, expectations: expectations, message: message)
    if let live = source as? LiveCapture { note(live.counts()?.dropped, in: &report) }
    return report
  }

  private func note(_ dropped: UInt32?, in report: inout VerifyReport) {
    report.dropped = dropped
    if dropped == nil { report.message = report.message ?? "the kernel does not say how many packets it dropped" }
    if let incompleteness = report.incompleteness { Output.say("\(report.file): \(incompleteness)") }
  }

  /// A file that takes a while is read by a thread of its own.
  private func open(_ file: String, _ progress: VerifyProgress) throws(CaptureError) -> any PacketSource {
    let capture = try CaptureFile(path: file)
    guard progress.isLong, let ahead = try? ReadAhead(capture) else { return capture }
    return ahead
  }

  private func openInterface(_ name: String) throws(CaptureError) -> LiveCapture {
    Output.say("listening on \(name)")
    // No filter of the kernel: one that sees fragments, tags and extension headers would let nearly everything pass.
    return try LiveCapture(interface: name, options: LiveCapture.Options())
  }

  /// - Parameter known: what the options need not say.
  func options(beyond known: VerifyPlan = VerifyPlan()) throws -> (VerifyPlan, [Expectation]) {
    var plan = known
    if let port { plan.ports = try ports(port, "--port") }
    if let sealedPort { plan.sealedPorts = try ports(sealedPort, "--sealed-port") }
    guard Set(plan.ports).isDisjoint(with: plan.sealedPorts) else {
      throw ValidationError("One port is given for plain and for sealed VXLAN.")
    }
    plan.segments.formUnion(try vni.map { try segment($0, "--vni") })
    plan.sealedSegments.formUnion(try sealed.map { try segment($0, "--sealed") })
    if let mtu { plan.mtu = try size(mtu, "--mtu") }
    plan.underlayMTU = try underlayMtu.map { try size($0, "--underlay-mtu") } ?? VerifyPlan.underlayMTUDefault
    let expectations = try expect.map { text in
      guard let expectation = Expectation(text) else {
        throw ValidationError("--expect \(text): write words such as vni=42,min=100,peers=2.")
      }
      return expectation
    }
    return (plan, expectations)
  }

  private func ports(_ text: String, _ option: String) throws -> [UInt16] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let port = UInt16($0), port > 0 else {
        throw ValidationError("\(option) \(text): ports are 1 to 65535, separated by commas.")
      }
      return port
    }
  }

  private func segment(_ text: String, _ option: String) throws -> VNI {
    guard let number = Int(text), let vni = VNI(number) else {
      throw ValidationError("\(option) \(text): a VNI is 0 to \(VNI.maximum).")
    }
    return vni
  }

  private func size(_ byteCount: Int, _ option: String) throws -> Int {
    guard (Overhead.overlayMTUMin...Overhead.underlayMTUMax).contains(byteCount) else {
      throw ValidationError(
        "\(option) \(byteCount) is out of range; \(Overhead.overlayMTUMin) to \(Overhead.underlayMTUMax) bytes.")
    }
    return byteCount
  }
}
