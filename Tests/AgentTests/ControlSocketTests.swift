import Foundation
import Glibc
import Testing

@testable import Agent

@Suite("control socket", .serialized)
struct ControlSocketTests {
  let directory: ControlTestDirectory
  init() throws { directory = try ControlTestDirectory() }

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
  }

  private func failure(startingOn path: String) -> ControlError? {
    do throws(ControlError) {
      try ControlServer.start(path: path) { _ in ControlResponse(report: [Int]()) }.stop()
      return nil
    } catch {
      return error
    }
  }

  @Test("the socket has mode 0660 and its missing directory 0755")
  func modes() throws {
    let path = directory.path + "/run/control.sock"
    let server = try startControlServer(path)
    defer { server.stop() }
    #expect(mode(path) == 0o660)
    #expect(mode(directory.path + "/run") == 0o755)
  }

  @Test("a second agent on a live socket is refused and the first goes on")
  func live() throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let error = try #require(failure(startingOn: directory.socket))
    #expect(error.code == .socketInUse)
    #expect(error.message.contains("another agent listens on \(directory.socket)"))
    #expect(try ControlClient(socketPath: directory.socket).get("/v1/peers").isEmpty == false)
  }

  @Test("a socket file that nobody listens on is replaced")
  func stale() throws {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: directory.socket.utf8) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(result == 0)
    close(descriptor)
    #expect(mode(directory.socket) != 0)
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    #expect(try ControlClient(socketPath: directory.socket).get("/v1/peers").isEmpty == false)
  }

  @Test("what is not a socket is refused and stays")
  func notASocket() throws {
    try "precious".write(toFile: directory.socket, atomically: false, encoding: .utf8)
    let error = try #require(failure(startingOn: directory.socket))
    #expect(error.code == .socketPath)
    #expect(error.message.contains("is not a socket"))
    #expect(try String(contentsOfFile: directory.socket, encoding: .utf8) == "precious")
  }

  @Test("a path of 107 bytes serves and one of 108 is refused with the bound")
  func pathLength() throws {
    let stem = directory.path + "/"
    let longest = stem + String(repeating: "s", count: 107 - stem.utf8.count)
    let server = try startControlServer(longest)
    defer { server.stop() }
    #expect(try ControlClient(socketPath: longest).get("/v1/peers").isEmpty == false)
    let error = try #require(failure(startingOn: longest + "s"))
    #expect(error.code == .socketPath)
    #expect(error.message.contains("108 bytes; the most is 107"))
  }

  @Test("a directory that cannot be made is named")
  func noDirectory() throws {
    let error = try #require(failure(startingOn: directory.path + "/a/b/control.sock"))
    #expect(error.code == .socketFailed)
    #expect(error.message.contains(directory.path + "/a/b"))
  }

  @Test("only root, the agent's user and the socket's group are admitted")
  func access() {
    let access = ControlAccess(uid: 500, gid: 600)
    #expect(access.admits(PeerCredentials(uid: 0, gid: 0, groups: [])))
    #expect(access.admits(PeerCredentials(uid: 500, gid: 1, groups: [])))
    #expect(access.admits(PeerCredentials(uid: 501, gid: 600, groups: [])))
    #expect(access.admits(PeerCredentials(uid: 501, gid: 1, groups: [7, 600])))
    #expect(!access.admits(PeerCredentials(uid: 501, gid: 1, groups: [7, 500])))
    #expect(!access.admits(PeerCredentials(uid: 600, gid: 500, groups: [])))
  }

  @Test("the kernel's credentials of the own process are read")
  func credentials() throws {
    var pair: [CInt] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
    defer { pair.forEach { close($0) } }
    let credentials = try PeerCredentials(of: pair[0])
    #expect(credentials.uid == geteuid())
    #expect(credentials.gid == getegid())
    #expect(throws: (any Error).self) { try PeerCredentials(of: -1) }
  }

  @Test("another user is refused by the mode, and with 403 where the mode was widened (needs root and setpriv, curl)")
  func otherUser() throws {
    try #require(geteuid() == 0, "this test needs root")
    chmod(directory.path, 0o755)
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let asNobody = [
      "--reuid=65534", "--regid=65534", "--clear-groups", "curl", "-s", "--max-time", "5",
      "--unix-socket", directory.socket, "http://vtep/v1/peers",
    ]
    let refused = try run("setpriv", asNobody)
    #expect(refused.status == 7)
    chmod(directory.socket, 0o666)
    #expect(errorCode(in: try run("setpriv", asNobody).output) == "forbidden")
    // As a member of the socket's group it may.
    let group = asNobody.map { $0 == "--clear-groups" ? "--groups=\(getegid())" : $0 }
    #expect(try run("setpriv", group).output.hasPrefix("[{"))
  }

  @Test("curl reads the socket as the manual says (needs curl)")
  func curl() throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let result = try run("curl", ["-sf", "--unix-socket", directory.socket, "http://vtep/v1/fdb?vni=42"])
    #expect(result.status == 0)
    #expect(try ReportJSON.decode([FDBReport].self, from: Array(result.output.utf8)).count == 2)
  }
}

/// Runs a tool of `$PATH`. A missing one is a failure.
func run(_ tool: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [tool] + arguments
  let pipe = Pipe()
  process.standardOutput = pipe
  try process.run()
  let output = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  try #require(process.terminationStatus != 127, "\(tool) is missing")
  return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}
