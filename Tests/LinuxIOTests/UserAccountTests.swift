import Foundation
import Glibc
import Testing

@testable import LinuxIO

@Suite("users and directories")
struct UserAccountTests {
  @Test("root and nobody are found, a user that there is not is none")
  func accounts() throws {
    let root = try #require(try UserAccount(named: "root"))
    #expect(root.uid == 0 && root.gid == 0 && root.isOwn(mayChangeGroups: false) == (getuid() == 0))
    #expect(try UserAccount(named: "nobody")?.uid == 65_534)
    #expect(try UserAccount(named: "vtep-nobody-has-this") == nil)
  }

  @Test("a directory's names are read, and what is none is an error")
  func names() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "vtep-names-\(UUID())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    #expect(try Directory.names(at: directory.path()) == [])
    let longest = String(repeating: "n", count: 255)
    for name in ["a", ".b", longest] { try Data().write(to: directory.appending(path: name)) }
    #expect(try Set(Directory.names(at: directory.path())) == ["a", ".b", longest])
    #expect(throws: Errno(ENOENT, "opendir")) { try Directory.names(at: directory.appending(path: "no").path()) }
    #expect(throws: Errno(ENOTDIR, "opendir")) { try Directory.names(at: directory.appending(path: "a").path()) }
  }

  @Test("beside other threads nothing is given up, since those would keep what they have")
  func threads() throws {
    let before = try Capabilities.effective()
    do throws(Errno) {
      try Capabilities.keepOnly([], becoming: nil)
      Issue.record("given up beside the threads of the tests")
    } catch {
      #expect(error.number == EBUSY)
    }
    #expect(try Capabilities.effective() == before)
  }
}
