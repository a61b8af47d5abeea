import CLinuxIO
import Glibc

/// A network namespace, held by a descriptor and nothing else.
///
/// It has no name: when the descriptors, the processes and the sockets in it are gone, the kernel removes it with its
/// devices, however its holder ended. The descriptor is closed at the end of the value's life.
/// - SeeAlso: network_namespaces(7).
package struct NetworkNamespace: ~Copyable, Sendable {
  /// For `setns` and `IFLA_NET_NS_FD`; the value's own.
  package let descriptor: Int32

  private init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit { _ = close(descriptor) }

  /// A new namespace, with nothing in it but the loopback device, up.
  /// - Throws: `EPERM` without `CAP_SYS_ADMIN`.
  package static func create() throws(Errno) -> NetworkNamespace {
    try onNewThread { () throws(Errno) -> NetworkNamespace in
      guard clinuxio_unshare_network() == 0 else { throw Errno.current("unshare(CLONE_NEWNET)") }
      let namespace = try current()
      var netlink = try NetlinkSocket()
      // The loopback is the first device of every namespace.
      try netlink.setLink(index: 1, LinkChange(isUp: true))
      return namespace
    }
  }

  /// The calling thread's namespace.
  package static func current() throws(Errno) -> NetworkNamespace {
    let descriptor = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Errno.current("open(/proc/thread-self/ns/net)") }
    return NetworkNamespace(descriptor: descriptor)
  }

  /// Runs `body` inside, on a thread made for it, and waits for its end. The thread ends with `body`, so none is
  /// ever left in the wrong namespace. Sockets that `body` opens stay in the namespace and can be used anywhere.
  /// - Throws: what `body` throws; `EPERM` without `CAP_SYS_ADMIN`; `EAGAIN` when there can be no further thread.
  package borrowing func run<Value: ~Copyable>(
    _ body: () throws(Errno) -> Value
  ) throws(Errno) -> Value {
    let descriptor = descriptor
    return try Self.onNewThread { () throws(Errno) -> Value in
      guard clinuxio_enter_network(descriptor) == 0 else { throw Errno.current("setns(CLONE_NEWNET)") }
      return try body()
    }
  }

  private static func onNewThread<Value: ~Copyable>(
    _ body: () throws(Errno) -> Value
  ) throws(Errno) -> Value {
    var value: Value?
    var failure: Errno?
    let number = withoutActuallyEscaping({
      do throws(Errno) { value = try body() } catch { failure = error }
    }) { startAndJoin($0) }
    if let failure { throw failure }
    guard number == 0, let result = value.take() else { throw Errno(number, "pthread_create") }
    return result
  }

  /// Runs `work` on a thread of its own and returns when that has ended: 0, or the number of the error.
  private static func startAndJoin(_ work: @escaping () -> Void) -> Int32 {
    let box = Unmanaged.passRetained(Work(work))
    var thread = pthread_t()
    // SAFETY: the pointer carries one retain, which the thread takes over; without a thread it is released here.
    let number = unsafe pthread_create(
      &thread, nil,
      { argument in
        // SAFETY: `argument` is the pointer given below, never nil.
        if let argument { unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, box.toOpaque())
    guard number == 0 else {
      box.release()
      return number
    }
    return pthread_join(thread, nil)
  }

  private final class Work {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }
}
