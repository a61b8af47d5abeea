import Synchronization
import Testing
import VXLAN

@testable import LinuxIO

/// These make network namespaces: without CAP_SYS_ADMIN and CAP_NET_ADMIN they fail with EPERM.
@Suite("RouteWatch (root)")
struct RouteWatchTests {
  /// How often a watch has told of changes.
  private final class Count: Sendable {
    private let told = Atomic<Int>(0)
    var value: Int { told.load(ordering: .acquiring) }
    func add() { told.add(1, ordering: .acquiringAndReleasing) }

    /// Whether it gets above `before` within five seconds.
    func rises(above before: Int) async throws -> Bool {
      for _ in 0..<500 where value <= before { try await Task.sleep(for: .milliseconds(10)) }
      return value > before
    }

    /// The count once nothing was told for a fifth of a second.
    func settled() async throws -> Int {
      while true {
        let before = value
        try await Task.sleep(for: .milliseconds(200))
        if value == before { return before }
      }
    }
  }

  @Test("a device's MTU, an address and its route are told of; nothing is told when nothing changes or after the end")
  func changes() async throws {
    let namespace = try NetworkNamespace.create()
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let device = try netlink.createBridge(named: "under", linkMTU: 1500)
    let count = Count()
    let watch = try namespace.run { () throws(Errno) in try RouteWatch { count.add() } }
    #expect(try await count.settled() == 0)
    try netlink.setLink(index: device, LinkChange(linkMTU: 1400))
    #expect(try await count.rises(above: 0))
    var before = try await count.settled()
    try netlink.addAddress(try #require(IPPrefix("192.0.2.1/24")), toLink: device)
    #expect(try await count.rises(above: before))
    before = try await count.settled()
    try netlink.addAddress(try #require(IPPrefix("2001:db8::1/64")), toLink: device)
    #expect(try await count.rises(above: before))
    before = try await count.settled()
    watch.stop()
    try netlink.setLink(index: device, LinkChange(linkMTU: 1300))
    #expect(try await count.settled() == before)
  }

  @Test("changes of another namespace are not told of")
  func otherNamespace() async throws {
    let own = try NetworkNamespace.create()
    let other = try NetworkNamespace.create()
    var netlink = try other.run { () throws(Errno) in try NetlinkSocket() }
    let count = Count()
    let watch = try own.run { () throws(Errno) in try RouteWatch { count.add() } }
    _ = try netlink.createBridge(named: "under", linkMTU: 1500)
    #expect(try await count.settled() == 0)
    watch.stop()
  }
}
