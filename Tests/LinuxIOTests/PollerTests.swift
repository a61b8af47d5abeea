import Foundation
import Glibc
import Synchronization
import Testing

@testable import LinuxIO

@Suite("Poller")
struct PollerTests {
  private static let soon: Int32 = 10_000

  /// The tokens of one wait, and how long it took.
  private func wait(_ poller: Poller, _ milliseconds: Int32) -> (tokens: [UInt64], time: Duration) {
    var tokens: [UInt64] = []
    let start = ContinuousClock.now
    poller.wait(milliseconds: milliseconds) { tokens.append($0) }
    return (tokens, ContinuousClock.now - start)
  }

  /// The two ends of a pipe.
  private func pipePair() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    return (ends[0], ends[1])
  }

  @Test("nothing happens: a look answers at once, a wait at its end, neither with a token")
  func nothing() throws {
    let poller = try Poller()
    #expect(wait(poller, 0).tokens.isEmpty)
    let (tokens, time) = wait(poller, 50)
    #expect(tokens.isEmpty && time >= .milliseconds(49))
  }

  @Test("what is readable is reported by its token for as long as it is, and not after its removal")
  func readable() throws {
    let poller = try Poller()
    let (a, b) = (try pipePair(), try pipePair())
    defer { for end in [a.read, a.write, b.read, b.write] { _ = close(end) } }
    try poller.add(a.read, token: 7)
    try poller.add(b.read, token: 1 << 40)
    #expect(wait(poller, 0).tokens.isEmpty)
    #expect(write(b.write, "x", 1) == 1)
    #expect(wait(poller, Self.soon).tokens == [1 << 40])
    #expect(wait(poller, Self.soon).tokens == [1 << 40])
    #expect(write(a.write, "x", 1) == 1)
    #expect(Set(wait(poller, Self.soon).tokens) == [7, 1 << 40])
    poller.remove(b.read)
    #expect(wait(poller, Self.soon).tokens == [7])
  }

  @Test("a descriptor that broke is reported")
  func broken() throws {
    let poller = try Poller()
    let ends = try pipePair()
    defer { _ = close(ends.read) }
    try poller.add(ends.read, token: 3)
    _ = close(ends.write)
    #expect(wait(poller, Self.soon).tokens == [3])
  }

  @Test("a descriptor twice, and one that is none, are errors")
  func wrong() throws {
    let poller = try Poller()
    let ends = try pipePair()
    defer { for end in [ends.read, ends.write] { _ = close(end) } }
    try poller.add(ends.read, token: 1)
    #expect(throws: Errno(EEXIST, "epoll_ctl")) { try poller.add(ends.read, token: 2) }
    #expect(throws: Errno(EBADF, "epoll_ctl")) { try poller.add(-1, token: 2) }
  }

  @Test("a wake before a wait ends it at once, and only that one; many wakes are one")
  func wakeBefore() throws {
    let poller = try Poller()
    for _ in 0..<1000 { poller.wake() }
    let (tokens, time) = wait(poller, Self.soon)
    #expect(tokens.isEmpty && time < .seconds(5))
    #expect(wait(poller, 50).time >= .milliseconds(49))
  }

  @Test("a wake from another thread ends a wait that would be for ever")
  func wakeDuring() throws {
    let poller = try Poller()
    let thread = Thread {
      usleep(50_000)
      poller.wake()
    }
    thread.start()
    let (tokens, time) = wait(poller, -1)
    #expect(tokens.isEmpty && time < .seconds(5))
  }

  @Test("more descriptors than one look holds are all reported within two")
  func many() throws {
    let poller = try Poller()
    var pipes: [(read: Int32, write: Int32)] = []
    defer {
      for ends in pipes {
        _ = close(ends.read)
        _ = close(ends.write)
      }
    }
    for token in 0..<100 {
      let ends = try pipePair()
      pipes.append(ends)
      try poller.add(ends.read, token: UInt64(token))
      #expect(write(ends.write, "x", 1) == 1)
    }
    let first = wait(poller, Self.soon).tokens
    let second = wait(poller, Self.soon).tokens
    #expect(first.count == 64 && Set(first + second) == Set(0..<100))
  }
}
