import CLinuxIO
import Glibc

/// Waits for descriptors to become readable, and can be woken by another thread.
///
/// *Threads.* `wake`, `add` and `remove` may be called by any thread; everything else belongs to one.
package final class Poller: @unchecked Sendable {
  /// The token of `wake`.
  private static let wakeToken = UInt64.max

  private let epoll: FileDescriptor
  private let event: FileDescriptor

  package init() throws(Errno) {
    let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard epoll >= 0 else { throw .current("epoll_create1") }
    self.epoll = FileDescriptor(owning: epoll)
    let event = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard event >= 0 else { throw .current("eventfd") }
    self.event = FileDescriptor(owning: event)
    try add(event, token: Self.wakeToken)
  }

  /// Reports `descriptor` as `token` while it is readable or broken.
  package func add(_ descriptor: Int32, token: UInt64) throws(Errno) {
    var entry = epoll_event()
    entry.events = EPOLLIN.rawValue
    entry.data.u64 = token
    guard epoll_ctl(epoll.rawValue, EPOLL_CTL_ADD, descriptor, &entry) == 0 else { throw .current("epoll_ctl") }
  }

  /// Reports `descriptor` no more.
  package func remove(_ descriptor: Int32) {
    var entry = epoll_event()
    _ = epoll_ctl(epoll.rawValue, EPOLL_CTL_DEL, descriptor, &entry)
  }

  /// Waits until something is readable, `wake` is called, or the time is over, and calls `body` with each token.
  /// - Parameter milliseconds: -1 waits for ever, 0 only looks.
  package func wait(milliseconds: Int32, _ body: (_ token: UInt64) -> Void) {
    withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) { events in
      let count = epoll_wait(epoll.rawValue, events.baseAddress, Int32(events.count), milliseconds)
      // An interrupted wait found nothing; there is no other failure with descriptors of our own.
      for index in 0..<Int(max(0, count)) {
        if events[index].data.u64 == Self.wakeToken {
          drainWake()
        } else {
          body(events[index].data.u64)
        }
      }
    }
  }

  /// Ends a `wait` in progress, or the next one. Any thread.
  package func wake() {
    var one: UInt64 = 1
    // Full means that a wake is pending already.
    _ = write(event.rawValue, &one, MemoryLayout<UInt64>.size)
  }

  private func drainWake() {
    var count: UInt64 = 0
    _ = read(event.rawValue, &count, MemoryLayout<UInt64>.size)
  }
}
