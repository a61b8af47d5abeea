import CLinuxIO
import Glibc
import Synchronization

/// Tells that devices or routes of a network namespace have changed, of both families.
///
/// It does not tell what: who is told reads again what it needs, and so nothing is wrong when the kernel had no room
/// for all it had to say (ENOBUFS).
///
/// *Threads.* Has one of its own, on which `onChange` is called.
/// - SeeAlso: rtnetlink(7), netlink(7).
package final class RouteWatch: @unchecked Sendable {
  // RTNLGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV4_RULE, _IPV6_IFADDR, _IPV6_ROUTE, _IPV6_RULE, _NEXTHOP;
  // linux/rtnetlink.h. Group n is bit n - 1.
  private static let groups: UInt32 = [1, 5, 7, 8, 9, 11, 19, 32].reduce(0) { $0 | UInt32(1) << ($1 - 1) }

  private let state: State
  private var thread: SystemThread?

  /// Watches the calling thread's network namespace until `stop`, or the end of this value's life.
  /// - Parameter onChange: may come more often than something changed; must not block.
  package init(onChange: @escaping @Sendable () -> Void) throws(Errno) {
    let state = try State(socket: Self.open(), onChange: onChange)
    self.state = state
    thread = try SystemThread(named: "vtep-routes") { state.run() }
  }

  deinit { stop() }

  /// Ends the watching. Afterwards `onChange` is called no more. One thread, not the watch's own.
  package func stop() {
    state.requestStop()
    thread?.join()
    thread = nil
  }

  /// What the thread works with.
  private final class State: Sendable {
    private let socket: FileDescriptor
    private let poller: Poller
    private let onChange: @Sendable () -> Void
    private let isStopping = Atomic<Bool>(false)

    init(socket: consuming FileDescriptor, onChange: @escaping @Sendable () -> Void) throws(Errno) {
      self.socket = socket
      self.onChange = onChange
      poller = try Poller()
      try poller.add(self.socket.rawValue, token: 0)
    }

    func requestStop() {
      isStopping.store(true, ordering: .releasing)
      poller.wake()
    }

    func run() {
      while !isStopping.load(ordering: .acquiring) {
        var isChanged = false
        poller.wait(milliseconds: -1) { _ in isChanged = true }
        guard isChanged else { continue }
        drain()
        onChange()
      }
    }

    /// Takes what waits, to the last: each message says no more than that something changed. An overflow is one too.
    private func drain() {
      withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { buffer in
        // SAFETY: the kernel writes at most `count` bytes into the buffer and leaves the rest of a message out.
        while unsafe recv(socket.rawValue, buffer.baseAddress, buffer.count, 0) >= 0 {}
      }
    }
  }

  private static func open() throws(Errno) -> FileDescriptor {
    let kind = Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let number = Glibc.socket(AF_NETLINK, kind, NETLINK_ROUTE)
    guard number >= 0 else { throw .current("socket(AF_NETLINK)") }
    let descriptor = FileDescriptor(owning: number)
    var address = sockaddr_nl()
    address.nl_family = sa_family_t(AF_NETLINK)
    address.nl_groups = groups
    // SAFETY: `address` outlives the call, and the length is its.
    let result = unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(number, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
      }
    }
    guard result == 0 else { throw .current("bind(AF_NETLINK)") }
    return descriptor
  }
}
