import Glibc
import Testing

@testable import LinuxIO

@Suite("names of descriptors")
struct DescriptorNameTests {
  @Test(
    "a name is read as it is written",
    arguments: [
      ("tap-0-0", DescriptorName.tap(vni: 0, queue: 0)), ("tap-16777215-14", .tap(vni: 16_777_215, queue: 14)),
      ("udp-plain-0", .plain(worker: 0)), ("udp-sealed-3", .sealed(worker: 3)), ("udp-source-16383", .source(16_383)),
    ])
  func roundTrip(_ text: String, _ name: DescriptorName) {
    #expect(DescriptorName(text) == name && name.description == text)
    #expect(text.utf8.count < 256 && !text.contains(":"))
  }

  @Test(
    "what no descriptor is called is no name",
    arguments: [
      "", "-", "tap", "tap-1", "tap-1-", "tap--1-0", "tap-1-0-0", "tap-01-0", "tap-16777216-0", "tap-1-+1", "tap-a-0",
      "udp-plain", "udp-plain-", "udp-plain--1", "udp-plain-0-0", "udp-other-0", "UDP-plain-0", "udp-source-x",
      "stored",
      "tap-\u{661}-0", "tap-99999999999999999999-0",
    ])
  func strangers(_ text: String) { #expect(DescriptorName(text) == nil) }

  @Test("each descriptor is taken once; what nobody takes, or comes twice, is closed")
  func inherited() {
    func isOpen(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFD) >= 0 }
    let (first, second, third) = (dup(0), dup(0), dup(0))
    do {
      let inherited = InheritedDescriptors()
      inherited.give(first, as: .plain(worker: 0))
      inherited.give(second, as: .plain(worker: 0))
      inherited.give(third, as: .plain(worker: 1))
      #expect(isOpen(first) && !isOpen(second))
      #expect(inherited.names == [.plain(worker: 0), .plain(worker: 1)])
      #expect(inherited.take(.plain(worker: 0)) == first && inherited.take(.plain(worker: 0)) == nil)
      #expect(inherited.takeAll { .plain(worker: $0) } == [])
      #expect(isOpen(third))
    }
    #expect(isOpen(first) && !isOpen(third))
    _ = close(first)
  }

  @Test("what the environment names is taken once, for this process alone", arguments: [true, false])
  func environment(_ isOurs: Bool) {
    // From descriptor 3 on others of this test process lie, so none is named.
    setenv("LISTEN_FDS", "0", 1)
    setenv("LISTEN_FDNAMES", "tap-1-0", 1)
    setenv("LISTEN_PID", isOurs ? "\(getpid())" : "1", 1)
    #expect(InheritedDescriptors.fromEnvironment().names.isEmpty)
    for name in ["LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"] { #expect(getenv(name) == nil) }
  }
}
