import FoundationEssentials
import Lab

/// What seals the session of an agent with its one peer: `cipher` of `vtep peers -j`.
enum AgentCipher {
  private static let answerTime = Duration.seconds(5)

  private struct Peer: Decodable {
    let cipher: String?
  }

  /// Asks the agent of a host, whose segment is sealed and has carried a frame.
  /// - Throws: `.step` also when there is no session: then the frame was not sealed.
  static func read(
    of host: borrowing LabHost, executable: String, _ interruption: LabInterruption
  ) throws(LabFailure) -> String {
    let program = LabProgram(
      path: executable, name: "vtep", arguments: ["peers", "-j", "--socket", host.socketPath])
    let text = try program.output(inNamespace: nil, within: answerTime, interruption)
    let peers: [Peer]
    do {
      peers = try JSONDecoder().decode([Peer].self, from: Data(text.utf8))
    } catch {
      throw .step("read the answer of `\(program.commandLine)`: \(error)")
    }
    guard let cipher = peers.first?.cipher else { throw .step("host \(host.name) has no session with its peer") }
    return cipher
  }
}
