import Foundation
import Glibc
import Testing

@testable import LinuxIO

@Suite("messages with descriptors")
struct MessageSocketTests {
  private static let time = Duration.seconds(5)

  /// Which file a descriptor is of.
  private func identity(_ descriptor: Int32) -> [UInt64]? {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? [UInt64(status.st_dev), UInt64(status.st_ino)] : nil
  }

  private func openCount() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
  }

  /// The next message; its descriptors are the caller's.
  private func receive(_ end: MessageSocket) throws -> (bytes: [UInt8], descriptors: [Int32]) {
    guard var message = try end.receive(within: Self.time) else { throw Errno(EPIPE, "receive") }
    let bytes = message.bytes
    #expect(message.descriptorCount <= MessageSocket.descriptorCountMax)
    return (bytes, message.takeDescriptors())
  }

  private func failure(_ call: () throws(Errno) -> Void) -> Int32? {
    do throws(Errno) { try call() } catch { return error.number }
    return nil
  }

  @Test("a message arrives as it was sent, with copies of its descriptors that are closed on exec")
  func arrives() throws {
    let (one, other) = try MessageSocket.pair()
    let file = memfd()
    defer { _ = close(file) }
    try one.send([1, 2, 3], descriptors: [file, file], within: Self.time)
    let message = try receive(other)
    #expect(message.bytes == [1, 2, 3] && message.descriptors.count == 2)
    for descriptor in message.descriptors {
      #expect(descriptor != file && identity(descriptor) == identity(file))
      #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
      _ = close(descriptor)
    }
  }

  @Test("253 descriptors pass and 254 are refused; 65,536 bytes pass and one more is refused, as is none")
  func bounds() throws {
    let (one, other) = try MessageSocket.pair()
    let file = memfd()
    defer { _ = close(file) }
    let most = MessageSocket.descriptorCountMax
    #expect(most == 253)
    try one.send([1], descriptors: Array(repeating: file, count: most), within: Self.time)
    let passed = try receive(other).descriptors
    #expect(passed.count == most)
    for descriptor in passed { _ = close(descriptor) }
    let many = Array(repeating: file, count: most + 1)
    #expect(failure { () throws(Errno) in try one.send([1], descriptors: many, within: Self.time) } == E2BIG)
    let longest = [UInt8](repeating: 0xA5, count: 65_536)
    try one.send(longest, within: Self.time)
    #expect(try receive(other).bytes == longest)
    #expect(failure { () throws(Errno) in try one.send(longest + [0], within: Self.time) } == EMSGSIZE)
    #expect(failure { () throws(Errno) in try one.send([], within: Self.time) } == EMSGSIZE)
  }

  @Test("descriptors that nobody takes are closed with their message")
  func closes() throws {
    let (one, other) = try MessageSocket.pair()
    let file = memfd()
    defer { _ = close(file) }
    // Once, for what the first use opens for good.
    for round in 0..<2 {
      let before = try openCount()
      try one.send([1], descriptors: Array(repeating: file, count: 100), within: Self.time)
      let hasCome = try other.receive(within: Self.time) != nil
      #expect(hasCome)
      if round > 0 { #expect(try openCount() == before) }
    }
  }

  @Test("the end is told apart from silence, and a message too long for the receiver is refused with its descriptors")
  func ends() throws {
    let (one, other) = try MessageSocket.pair()
    #expect(failure { () throws(Errno) in _ = try other.receive(within: .milliseconds(10)) } == ETIMEDOUT)
    one.interrupt()
    let isOver = try other.receive(within: Self.time) == nil
    #expect(isOver)
    #expect(failure { () throws(Errno) in try other.send([1], within: Self.time) } == EPIPE)
  }

  @Test("who listens takes the place of who did, has mode 0600, and takes away only its own file")
  func listens() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "vtep-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = directory.appending(path: "a").path()
    #expect(failure { () throws(Errno) in _ = try MessageSocket.connect(to: path) } == ENOENT)
    let first = try MessageListener(path: path)
    let second = try MessageListener(path: path)
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    let client = try MessageSocket.connect(to: path)
    let accepted = try #require(try second.accept())
    #expect(try accepted.peer() == (getpid(), geteuid()) && client.peer() == (getpid(), geteuid()))
    first.remove()
    #expect(FileManager.default.fileExists(atPath: path))
    second.stop()
    let isStopped = try second.accept() == nil
    #expect(isStopped)
    second.remove()
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path()).isEmpty)
    let long = path + String(repeating: "x", count: 108)
    #expect(failure { () throws(Errno) in _ = try MessageListener(path: long) } == EINVAL)
  }

  private func memfd() -> Int32 {
    var name = "/vtep-test-XXXXXX"
    name = FileManager.default.temporaryDirectory.path() + name
    var bytes = Array(name.utf8CString)
    let descriptor = mkstemp(&bytes)
    unlink(&bytes)
    return descriptor
  }
}
