import Foundation
import Glibc
import LinuxIO
import Sealing
import Testing

@testable import Agent

@Suite("The file that keys are written to")
final class KeyLogFileTests {
  private let directory: ControlTestDirectory
  private var path: String { directory.path + "/keys" }

  init() throws {
    directory = try ControlTestDirectory()
  }

  private func configuration() throws -> Configuration {
    try Configuration.parse(ConfigurationSamples.least + "control: {key-log: \(path)}\n", file: "f.yaml")
  }

  private func refusal() throws -> AgentError? {
    let configuration = try configuration()
    do throws(AgentError) {
      _ = try KeyLogFile.open(for: configuration)
      return nil
    } catch {
      return error
    }
  }

  private func make(mode: mode_t) throws {
    try Data("# mine\n".utf8).write(to: URL(fileURLWithPath: path))
    try #require(chmod(path, mode) == 0)
  }

  @Test("without the key there is no file, and nothing is given away")
  func off() throws {
    let configuration = try Configuration.parse(ConfigurationSamples.least, file: "f.yaml")
    #expect(try KeyLogFile.open(for: configuration) == nil && configuration.control.keyLog == nil)
    let bench = try KeeperBench()
    let ends = try [bench.end(0), bench.end(1)]
    bench.run(ends, for: .seconds(1))
    #expect(ends.allSatisfy { bench.cipher($0) != nil && $0.loggedKeys.isEmpty })
  }

  @Test("both ends log the same keys, at the start and when a session is replaced")
  func bothEnds() throws {
    let bench = try KeeperBench()
    let ends = try [bench.end(0, logsKeys: true), bench.end(1, logsKeys: true)]
    bench.run(ends, for: .milliseconds(200))
    let first = Set(ends[0].loggedKeys)
    #expect(first.count >= 2 && first.isSubset(of: ends[1].loggedKeys))
    bench.run(ends, for: .seconds(130))
    let all = ends.map { Set($0.loggedKeys) }
    #expect(all[0].count >= first.count + 2 && all[0].isSubset(of: all[1]))
    for address in ["192.0.2.1:4790", "192.0.2.2:4790"] {
      #expect(all[0].count { $0.hasSuffix(" T \(address)\n") } * 2 == all[0].count)
    }
  }

  @Test("only an agent that root starts writes keys: others are told so", .enabled(if: geteuid() != 0))
  func notRoot() throws {
    let refusal = try #require(try refusal())
    #expect(refusal.kind == .refused && refusal.message.contains("root") && refusal.line != nil)
    #expect(access(path, F_OK) != 0)
  }

  @Test("the file is made for its owner alone, and what was in it stays", .enabled(if: geteuid() == 0))
  func appended() throws {
    let bench = try KeeperBench()
    for _ in 0..<2 {
      let file = try #require(try KeyLogFile.open(for: try configuration()))
      try file.append([], from: bench.endpoints[0], to: nil)
      let log = try PrivateLog(appendingTo: path)
      try log.append(Array("# line\n".utf8).span)
    }
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == 0o600)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "# line\n# line\n")
  }

  @Test("a file that others may read, a link, a pipe and a directory are refused", .enabled(if: geteuid() == 0))
  func refused() throws {
    for (mode, isTaken): (mode_t, Bool) in [(0o600, true), (0o640, false), (0o604, false), (0o622, false)] {
      try make(mode: mode)
      let refusal = try refusal()
      #expect((refusal == nil) == isTaken, "\(mode)")
      #expect(isTaken || refusal?.message.contains("chmod 600") == true && refusal?.exitStatus == 78)
    }
    try make(mode: 0o600)
    try #require(chown(path, 12_345, 0) == 0)
    #expect(try refusal()?.message.contains("user 12345") == true)
    try #require(unlink(path) == 0 && symlink(directory.path + "/other", path) == 0)
    #expect(try refusal()?.message.contains("no link") == true)
    #expect(access(directory.path + "/other", F_OK) != 0)
    try #require(unlink(path) == 0 && mkfifo(path, 0o600) == 0)
    #expect(try refusal() != nil)
    try #require(unlink(path) == 0 && mkdir(path, 0o700) == 0)
    #expect(try refusal() != nil)
  }
}
