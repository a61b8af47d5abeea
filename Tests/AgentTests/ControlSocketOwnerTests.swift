import Foundation
import Glibc
import LinuxIO
import Testing

@testable import Agent

@Suite(
  "whose directory the control socket lies in",
  .enabled(if: geteuid() == 0, "giving a directory to another user needs root"))
struct ControlSocketOwnerTests {
  let directory: ControlTestDirectory
  let nobody: UserAccount

  init() throws {
    directory = try ControlTestDirectory()
    nobody = try #require(try UserAccount(named: "nobody"))
  }

  private func owner(_ path: String) -> uid_t? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_uid : nil
  }

  private func prepare(_ path: String) throws {
    try ControlSocketPath(path).prepareDirectory(for: nobody)
  }

  @Test("one that is missing is made for the user, mode 0755")
  func missing() throws {
    let parent = directory.path + "/run"
    try prepare(parent + "/control.sock")
    var status = stat()
    try #require(lstat(parent, &status) == 0)
    #expect(status.st_uid == nobody.uid && status.st_gid == nobody.gid && status.st_mode & 0o7777 == 0o755)
  }

  @Test(
    "root's own with nothing but the agent's sockets in it is handed over, without those at which nobody listens",
    arguments: [
      ["control.sock"], ["control.sock", "control.sock.takeover"], ["control.sock.takeover.next", "control.sock"],
    ])
  func left(names: [String]) throws {
    let parent = directory.path + "/run"
    try #require(mkdir(parent, 0o755) == 0)
    let listeners = try names.map { try ControlSocketPath("\(parent)/\($0)").listen() }
    for listener in listeners.dropFirst() { close(listener) }
    defer { close(listeners[0]) }
    try prepare(parent + "/control.sock")
    #expect(owner(parent) == nobody.uid)
    #expect(names.map { owner("\(parent)/\($0)") } == [0] + names.dropFirst().map { _ in nil })
  }

  @Test("an empty one of root's may be anybody's, and is handed over where it is the agent's own place alone")
  func empty() throws {
    let parent = directory.path + "/run"
    try #require(mkdir(parent, 0o755) == 0)
    try prepare(parent + "/control.sock")
    #expect(owner(parent) == 0)
    try ControlSocketPath(parent + "/control.sock").prepareDirectory(for: nobody, own: parent)
    #expect(owner(parent) == nobody.uid)
    #expect(ControlSocketPath.standard == ControlSocketPath.standardDirectory + "/control.sock")
  }

  @Test("what holds something else, others may write to or is a link stays as it is", arguments: 0..<5)
  func others(kind: Int) throws {
    let parent = directory.path + "/run"
    try #require(mkdir(parent, 0o755) == 0)
    if kind != 4 { close(try ControlSocketPath(parent + "/control.sock").listen()) }
    var named = parent
    switch kind {
    case 4: try Data().write(to: URL(fileURLWithPath: parent + "/control.sock"))
    case 0: try Data().write(to: URL(fileURLWithPath: parent + "/other"))
    case 1: try #require(chmod(parent, 0o1777) == 0)
    case 2: try #require(chown(parent, 1, 1) == 0)
    default:
      named = directory.path + "/link"
      try #require(symlink(parent, named) == 0)
    }
    let before = owner(parent)
    try prepare(named + "/control.sock")
    #expect(owner(parent) == before && owner(parent) != nobody.uid)
  }

  @Test("the socket of the root directory and one without a directory leave everything as it is")
  func bare() throws {
    let root = owner("/")
    try prepare("/vtep-control.sock")
    try prepare("control.sock")
    #expect(owner("/") == root)
  }
}
