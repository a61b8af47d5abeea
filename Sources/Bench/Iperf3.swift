import FoundationEssentials
import Glibc
import Lab
import LinuxIO
import VXLAN

/// The program iperf3 as the generator of TCP traffic.
struct Iperf3: Sendable {
  private static let startTime = Duration.seconds(5)
  private static let endTime = Duration.seconds(15)
  /// What a client's JSON says that is of use here.
  struct Report: Decodable {
    struct End: Decodable {
      let received: Sum
      private enum CodingKeys: String, CodingKey {
        case received = "sum_received"
      }
    }

    struct Sum: Decodable {
      let bytes: Double
      let seconds: Double
    }

    let end: End
  }

  let path: String
  /// `iperf3 3.12`.
  let version: String

  /// Finds it in PATH and asks for its version.
  /// - Throws: `.unavailable` when it is not installed.
  static func find(_ interruption: LabInterruption) throws(LabFailure) -> Iperf3 {
    guard let path = ChildProcess.path(ofProgram: "iperf3") else {
      throw .unavailable("there is no `iperf3` in PATH; install it (Debian: iperf3) or leave --generator out")
    }
    let program = LabProgram(path: path, name: "iperf3", arguments: ["--version"])
    let text = try program.output(inNamespace: nil, within: startTime, interruption)
    return Iperf3(path: path, version: version(in: text))
  }

  /// The first two words of what `iperf3 --version` prints, `iperf 3.12`, with the program's name.
  static func version(in text: String) -> String {
    let words = text.split { $0 == " " || $0 == "\n" }
    return words.count > 1 && words[0] == "iperf" ? "iperf3 \(words[1])" : "iperf3"
  }

  /// Sends for so many whole seconds and returns the bytes that arrived and the time that they took.
  func run(
    streamCount: Int, seconds: Int, from source: borrowing LabHost, to destination: IPAddress,
    in sink: borrowing LabHost, _ interruption: LabInterruption
  ) throws(LabFailure) -> (byteCount: Double, seconds: Double) {
    let log = try LabFailure.step("iperf3") { () throws(Errno) in try ChildProcessOutput() }
    let (descriptor, namespace) = (log.descriptor, sink.namespace.descriptor)
    // One client, then it ends; whatever happens, it ends with this value.
    let server = try LabFailure.step("iperf3") { () throws(Errno) in
      try ChildProcess(
        path, arguments: ["iperf3", "-s", "-1", "--forceflush", "-B", "\(destination)"], namespace: namespace,
        output: descriptor, error: descriptor)
    }
    try awaitListening(log, interruption)
    let client = LabProgram(
      path: path, name: "iperf3",
      arguments: Self.clientArguments(streamCount: streamCount, seconds: seconds, destination))
    let text = try client.output(
      inNamespace: source.namespace.descriptor, within: .seconds(seconds) + Self.endTime, lineCount: .max,
      interruption)
    _ = consume server
    do {
      let sum = try JSONDecoder().decode(Report.self, from: Data(text.utf8)).end.received
      guard sum.seconds > 0 else { throw LabFailure.step("iperf3 measured nothing") }
      return (sum.bytes, sum.seconds)
    } catch {
      throw .step("the answer of `\(client.commandLine)` cannot be read: \(error)")
    }
  }

  /// Of the client. Without reports in between (`-i 0`), or its JSON would have a block of lines for each stream and
  /// second, of which a long run's beginning would be cut off.
  static func clientArguments(streamCount: Int, seconds: Int, _ destination: IPAddress) -> [String] {
    ["-J", "-i", "0", "-c", "\(destination)", "-t", "\(seconds)", "-P", "\(streamCount)"]
  }

  private func awaitListening(
    _ log: borrowing ChildProcessOutput, _ interruption: LabInterruption
  ) throws(LabFailure) {
    let deadline = ContinuousClock.now + Self.startTime
    while ContinuousClock.now < deadline {
      let text = try LabFailure.step("iperf3") { () throws(Errno) in try log.text() }
      if text.contains("listening") { return }
      try interruption.pause(milliseconds: 5)
    }
    throw .step("iperf3 does not listen within \(Self.startTime)")
  }
}
