import Foundation
import Testing
import VXLAN

@testable import Agent

@Suite("Configuration problems")
struct ConfigurationProblemTests {
  @Test(
    "a broken file is refused at its line with what is wrong and what is right",
    arguments: BrokenConfigurations.all)
  func broken(sample: BrokenConfigurations.Sample) {
    do {
      _ = try Configuration.parse(sample.text, file: "f.yaml")
      Issue.record("accepted: \(sample.text)")
    } catch {
      #expect(error.problems.count == 1, "\(error)")
      #expect(error.problems.first?.line == sample.line, "\(error)\n\(sample.text)")
      for word in sample.words { #expect(error.description.contains(word), "\(error) lacks \(word)") }
    }
  }

  @Test("a static entry with the MAC that the TAP gets by default is refused, and taken where another is given")
  func defaultMAC() throws {
    let local = try #require(IPAddress("192.0.2.1"))
    let mac = DefaultMAC.address(local: local, vni: try #require(VNI(42)))
    let entry = "fdb: [{mac: \"\(mac)\", peer: b}]"
    let found = problems(in: ConfigurationSamples.segment(entry))
    #expect(found.map(\.line) == [2] && found.first?.message.contains("own mac") == true)
    #expect(problems(in: ConfigurationSamples.segment("mac: 02:00:00:00:00:01, " + entry)).isEmpty)
    #expect(problems(in: ConfigurationSamples.segment(entry).replacing("42", with: "43")).isEmpty)
  }

  @Test("all problems are reported, sorted by line, each in the form FILE:LINE: text")
  func several() throws {
    let text = """
      peers:
        - {name: b, address: 192.0.2.2, segments: [7]}
        - {name: b, address: nowhere}
      segments:
        - {vni: 16777216, tap: a/b, ageing: 300}
        - {vni: 7, tap: vx7, colour: red}
      local: {port: 0}

      """
    let error = #expect(throws: ConfigurationError.self) { try Configuration.parse(text, file: "/etc/v.yaml") }
    let lines = try #require(error).description.split(separator: "\n").map(String.init)
    let starts = lines.map { $0.split(separator: " ").first.map(String.init) }
    #expect(
      starts == [
        "/etc/v.yaml:3:", "/etc/v.yaml:3:", "/etc/v.yaml:5:", "/etc/v.yaml:5:", "/etc/v.yaml:5:", "/etc/v.yaml:6:",
        "/etc/v.yaml:7:", "/etc/v.yaml:7:",
      ])
  }

  @Test("a problem with a segment's VNI or a peer's name raises no second one where it is referred to")
  func noEcho() {
    #expect(problems(in: ConfigurationSamples.segment("x: 1").replacing("vni: 42", with: "vni: x")).count == 2)
    let text = "local: {address: 192.0.2.1}\nsegments: [{vni: 1, tap: a, fdb: [{mac: 02:00:00:00:00:02, peer: b}]}]\n"
    #expect(problems(in: text + "peers: [{name: [b], address: 192.0.2.2}]").map(\.line) == [3])
    #expect(problems(in: text + "peers: 5").map(\.line) == [3])
    #expect(problems(in: text).map(\.line) == [2])
  }

  @Test("more problems than the limit are counted, not listed")
  func limit() {
    let keys = (0..<150).map { "key\($0): 1\n" }.joined()
    let error = ConfigurationError(file: "f", problems: problems(in: ConfigurationSamples.more(keys)))
    let lines = error.description.split(separator: "\n")
    #expect(lines.count == 101)
    #expect(lines.last == "f: and 50 more problems")
  }

  @Test("bytes that are not UTF-8 are refused at their line")
  func badUTF8() {
    let bytes = Array("local:\n  address: 192.0.2.1\n  # caf".utf8) + [0xE9, 0x0A]
    let error = #expect(throws: ConfigurationError.self) { try Configuration.parse(bytes: bytes, file: "f") }
    #expect(error?.problems.map(\.line) == [3])
    #expect(error?.description.contains("UTF-8") == true)
  }

  @Test("a file of the largest size is read, one byte more is refused")
  func size() {
    let limit = Configuration.Limits.fileByteCountMax
    let filler = Array(ConfigurationSamples.least.utf8) + [UInt8(ascii: "#")]
    let bytes = filler + [UInt8](repeating: UInt8(ascii: "x"), count: limit - filler.count)
    #expect(throws: Never.self) { try Configuration.parse(bytes: bytes, file: "f") }
    let error = #expect(throws: ConfigurationError.self) { try Configuration.parse(bytes: bytes + [0x78], file: "f") }
    #expect(error?.description.contains("4096 KiB") == true)
  }

  @Test("a file that is missing, a directory or unreadable is refused by name")
  func files() throws {
    for (path, word) in [("/nonexistent/vtep.yaml", "No such file"), ("/tmp", "directory")] {
      let error = #expect(throws: ConfigurationError.self) { try Configuration.load(path: path) }
      #expect(error?.description.hasPrefix("\(path): cannot be read: ") == true)
      #expect(error?.description.contains(word) == true)
    }
    let error = #expect(throws: ConfigurationError.self) { try Configuration.load(path: "/dev/zero") }
    #expect(error?.description.contains("4096 KiB") == true)
  }

  @Test("a file on disk is read like its text")
  func load() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "vtep-\(UUID().uuidString).yaml")
    try Data(ConfigurationSamples.full.utf8).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    #expect(try Configuration.load(path: url.path) == Configuration.parse(ConfigurationSamples.full, file: "f"))
  }

  private func problems(in text: String) -> [ConfigurationProblem] {
    do {
      _ = try Configuration.parse(text, file: "f.yaml")
      return []
    } catch {
      return error.problems
    }
  }
}
