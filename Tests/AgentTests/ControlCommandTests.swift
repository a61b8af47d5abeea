import Foundation
import Glibc
import Testing

@testable import Agent

/// Runs the built `vtep` against a server in this process.
@Suite("commands that ask an agent", .serialized)
struct ControlCommandTests {
  let directory: ControlTestDirectory
  let program: BuiltProgram

  init() throws {
    directory = try ControlTestDirectory()
    program = try BuiltProgram()
  }

  private func vtep(_ arguments: String...) throws -> (status: Int32, output: String, message: String) {
    try program.run(arguments)
  }

  @Test(
    "each command shows its table, and one JSON document for -j",
    arguments: [
      ("status", "vtep: "), ("segments", "VNI  TAP"), ("fdb", "VNI  MAC"), ("peers", "NAME  ADDRESS"),
      ("stats", "NAME "), ("drops", "REASON "),
    ])
  func shows(command: String, start: String) throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let text = try vtep(command, "--socket", directory.socket)
    #expect(text.status == 0)
    #expect(text.output.hasPrefix(start))
    #expect(text.message.isEmpty)
    let json = try vtep(command, "-j", "--socket", directory.socket)
    #expect(json.status == 0)
    #expect(json.output.hasSuffix("\n"))
    #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(json.output.utf8)) }
    #expect(try vtep(command, "--json", "--socket", directory.socket).output == json.output)
  }

  @Test("--vni filters, and what is not a VNI is wrong usage")
  func filter() throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let filtered = try vtep("fdb", "--vni", "7", "--socket", directory.socket)
    #expect(filtered.output.split(separator: "\n").count == 2)
    let unknown = try vtep("fdb", "--vni", "99", "--socket", directory.socket)
    #expect(unknown.status == 1)
    #expect(unknown.message == "vtep: there is no segment 99\n")
    #expect(unknown.output.isEmpty)
    let wrong = try vtep("segments", "--vni", "16777216", "--socket", directory.socket)
    #expect(wrong.status == 64)
    #expect(wrong.message.contains("a VNI is a whole number from 0 to 16777215"))
    #expect(try vtep("peers", "--vni", "7").status == 64)
    #expect(try vtep("nonsense").status == 64)
  }

  @Test("mtu asks the agent about a peer: 1 for an unknown one, 64 together with what the agent knows")
  func mtu() throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let text = try vtep("mtu", "--peer", "b", "--socket", directory.socket)
    #expect(text.status == 0 && text.output.contains("authentication tag") && text.output.contains("1426"))
    let json = try vtep("mtu", "--peer", "b", "-j", "--socket", directory.socket)
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect(object?["overlay-mtu"] as? Int == 1426 && object?["path-source"] as? String == "route")
    let unknown = try vtep("mtu", "--peer", "x", "--socket", directory.socket)
    #expect(unknown.status == 1 && unknown.message == "vtep: no peer has the name x\n" && unknown.output.isEmpty)
    for more in [["--underlay-mtu", "1500"], ["--sealed"], ["--ipv6"], ["--vlan"]] {
      #expect(try program.run(["mtu", "--peer", "b"] + more).status == 64)
    }
    #expect(try vtep("mtu").status == 64)
    #expect(try vtep("mtu", "--underlay-mtu", "1500", "--sealed").output.contains("1426"))
  }

  @Test("without an agent a command exits 1 and says what to do")
  func noAgent() throws {
    let result = try vtep("status", "--socket", directory.socket)
    #expect(result.status == 1)
    #expect(result.output.isEmpty)
    #expect(result.message.contains("no agent listens on \(directory.socket): is `vtep run` running?"))
  }

  @Test("a reader that leaves early is no error")
  func brokenPipe() throws {
    let entries = [FDBReport](repeating: FixedReports().entries[0], count: 20_000)
    let server = try startControlServer(directory.socket) { _ in ControlResponse(report: entries) }
    defer { server.stop() }
    let script = "set -o pipefail; '\(program.path)' fdb --socket '\(directory.socket)' 2>&1 | head -n 1"
    let result = try run("bash", ["-c", script])
    #expect(result.status == 0)
    #expect(result.output == "VNI  MAC                PEER  ADDRESS    STATE   AGE\n")
    let full = "'\(program.path)' fdb --socket '\(directory.socket)' 2>&1 >/dev/full"
    let failed = try run("bash", ["-c", full])
    #expect(failed.status == 1)
    #expect(failed.output.contains("cannot write to standard output: No space left on device"))
  }

  @Test("the version is the same in all its forms", arguments: ["version", "--version", "-V"])
  func version(argument: String) throws {
    let result = try vtep(argument)
    #expect(result.status == 0)
    #expect(result.output == "vtep \(VtepVersion.current)\n")
  }
}
