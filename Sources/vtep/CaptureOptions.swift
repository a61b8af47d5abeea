import Agent
import ArgumentParser
import Capture
import VXLAN

/// Where `vtep capture` takes packets from.
struct CaptureSourceOptions: ParsableArguments {
  @Option(
    name: .shortAndLong, help: ArgumentHelp("Capture on this interface; any: on all of them.", valueName: "name"))
  var interface: String?

  @Option(
    name: [.customShort("r"), .customLong("read-file")],
    help: ArgumentHelp("Read a capture, pcap or pcapng; -: standard input.", valueName: "file"))
  var file: String?

  @Option(name: .long, help: ArgumentHelp("The control socket of the agent to capture from.", valueName: "path"))
  var socket: String?

  @Flag(name: .customLong("outer"), help: "Of an agent: datagrams of the underlay rather than inner frames.")
  var isOuter = false

  @Option(
    name: [.customShort("s"), .customLong("snapshot-length")],
    help: ArgumentHelp("Keep so many bytes of a packet; 0: 262144.", valueName: "bytes"))
  var snapshotByteCount = 0

  @Option(name: [.customShort("Q"), .long], help: "Only packets of this direction.")
  var direction: LiveCapture.Direction?

  @Flag(name: .customLong("immediate-mode"), help: "Take each packet at once, not in blocks.")
  var isImmediate = false

  /// Whether a running agent is asked.
  var isAgent: Bool { interface == nil && file == nil }
  var socketPath: String { socket ?? ControlSocketPath.standard }

  func validate() throws {
    guard interface == nil || file == nil else {
      throw ValidationError("packets come from -i INTERFACE, -r FILE or, without both, a running agent: name one")
    }
    guard isAgent || !isOuter else { throw ValidationError("--outer is for captures of an agent, without -i and -r") }
    guard isAgent || socket == nil else {
      throw ValidationError("--socket is for captures of an agent: without -i and -r")
    }
    guard file == nil || direction == nil else {
      throw ValidationError("a file does not tell directions: leave out -Q")
    }
    guard interface != nil || !isImmediate else { throw ValidationError("--immediate-mode goes with -i") }
    guard (0...262_144).contains(snapshotByteCount) else { throw ValidationError("-s is 0 to 262144") }
  }
}

/// Which packets are wanted.
struct CaptureFilterOptions: ParsableArguments {
  @Option(
    name: .long, parsing: .singleValue, help: ArgumentHelp("Only this segment; repeatable.", valueName: "number"),
    transform: SegmentOption.parse)
  var vni: [VNI] = []

  @Option(
    name: .long, parsing: .singleValue,
    help: ArgumentHelp(
      "Only from and to this underlay address, of an agent also a peer's name; repeatable.", valueName: "address"))
  var peer: [String] = []

  @Option(
    name: .long, help: ArgumentHelp("A filter for inner frames, in libpcap's language.", valueName: "expression"))
  var inner: String?

  @Option(name: .long, help: ArgumentHelp("The UDP port of plain VXLAN.", valueName: "port"))
  var port = OverlayPorts().plain

  @Option(name: .long, help: ArgumentHelp("The UDP port of sealed VXLAN.", valueName: "port"))
  var sealedPort = OverlayPorts().sealed

  @Option(name: .long, help: ArgumentHelp("Open sealed datagrams with this key log.", valueName: "file"))
  var keys: String?

  @Argument(help: "A filter for whole packets, in libpcap's language.")
  var expression: [String] = []

  func validate() throws {
    guard port != sealedPort else { throw ValidationError("--port and --sealed-port are the same") }
  }

  var ports: OverlayPorts { OverlayPorts(plain: port, sealed: sealedPort) }
  var outerExpression: String { expression.joined(separator: " ") }

  /// The peers without an agent, which alone knows names.
  func addresses() throws -> [IPAddress] {
    try peer.map {
      guard let address = IPAddress($0) else { throw ValidationError("\"\($0)\" is no IP address") }
      return address
    }
  }
}

/// Where packets go to.
struct CaptureOutputOptions: ParsableArguments {
  @Option(
    name: [.customShort("w"), .customLong("write-file")],
    help: ArgumentHelp("Write packets to a capture file rather than text; -: standard output.", valueName: "file"))
  var file: String?

  @Option(name: .short, help: ArgumentHelp("End after so many packets.", valueName: "number"))
  var c: Int?

  @Option(name: .customShort("C"), help: ArgumentHelp("Begin another file beyond so many megabytes.", valueName: "MB"))
  var megabytes: Int?

  @Option(
    name: .customShort("W"),
    help: ArgumentHelp("So many files: with -C in turn, with -G then end.", valueName: "number"))
  var files: Int?

  @Option(
    name: .customShort("G"), help: ArgumentHelp("Begin another file after so many seconds.", valueName: "seconds"))
  var seconds: Int?

  @Flag(name: [.customShort("U"), .customLong("packet-buffered")], help: "Write each packet to the file at once.")
  var isPacketBuffered = false

  @Option(
    name: [.customShort("Z"), .customLong("relinquish-privileges")],
    help: ArgumentHelp("Become this user once the source is open.", valueName: "user"))
  var user: String?

  @Option(name: .customLong("time-stamp-precision"), help: "Of what is shown and written.")
  var precision = CaptureWriter.Precision.micro

  @Flag(name: .customLong("count"), help: "Print only how many packets there are.")
  var isCount = false

  @Flag(name: .customShort("n"), help: "Names are never looked up; for those who are used to it.")
  var isNumeric = false

  @Flag(name: .customShort("e"), help: "Show the link header of the outer packet.")
  var hasLinkHeader = false

  @Flag(name: [.customShort("q"), .customLong("quick")], help: "Show less of each packet.")
  var isQuick = false

  @Flag(name: .customShort("x"), help: "Show the bytes of the packet too; twice: with the link header.")
  var hex: Int

  @Flag(name: .customShort("X"), help: "As -x, with the characters beside.")
  var ascii: Int

  @Flag(name: [.customShort("j"), .long], help: "Print one JSON object a line, for programs.")
  var json = false

  func validate() throws {
    for (value, name) in [(c, "-c"), (megabytes, "-C"), (files, "-W"), (seconds, "-G")] {
      guard (value ?? 1) > 0 else { throw ValidationError("\(name) is a number from 1") }
    }
    guard (megabytes ?? 0) <= 1_000_000 else { throw ValidationError("-C is 1000000 at most") }
    guard file != nil || (megabytes ?? files ?? seconds) == nil, file != nil || !isPacketBuffered else {
      throw ValidationError("-C, -G, -W and -U are about files: add -w FILE")
    }
    guard files == nil || megabytes != nil || seconds != nil else {
      throw ValidationError("-W goes with -C or -G; add one")
    }
    guard file == nil || !json && !isCount else { throw ValidationError("-w prints nothing: leave out -j and --count") }
    guard file != "-" || (megabytes ?? seconds) == nil else { throw ValidationError("standard output is one file") }
    guard !json || !isCount else { throw ValidationError("--count goes without -j") }
  }

  var style: LineStyle {
    var style = LineStyle()
    style.precision = precision
    style.hasLinkHeader = hasLinkHeader
    style.isQuiet = isQuick
    style.dump = ascii > 0 ? .hexAndASCII : hex > 0 ? .hex : .none
    style.dumpsLinkHeader = max(hex, ascii) > 1
    return style
  }

  /// Nil without `-w`.
  var plan: RotatingWriter.Plan? {
    guard let file else { return nil }
    var plan = RotatingWriter.Plan(path: file)
    plan.fileByteCount = (megabytes ?? 0) * 1_000_000
    plan.fileCountMax = files ?? 0
    plan.seconds = seconds ?? 0
    return plan
  }
}

extension LiveCapture.Direction: ExpressibleByArgument {}
extension CaptureWriter.Precision: ExpressibleByArgument {}
