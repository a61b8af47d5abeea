import Glibc

/// Waits at a path for connections that carry messages, for this process's user alone (mode 0600).
///
/// *Threads.* One, but for `stop`.
package final class MessageListener: Sendable {
  /// What is added to a path while it is not in its place.
  package static let nextSuffix = ".next"
  private static let backlog: Int32 = 4
  private static let mode: mode_t = 0o600

  package let path: String
  private let descriptor: FileDescriptor
  private let identity: SocketFile?

  /// Listens at `path` and takes the place of whatever stands there, without a moment in which nobody has it.
  /// - Throws: EINVAL for a path that is too long; nothing stays behind then.
  package init(path: String) throws(Errno) {
    self.path = path
    let next = path + Self.nextSuffix
    let descriptor = FileDescriptor(owning: try MessageSocket.open())
    guard fchmod(descriptor.rawValue, Self.mode) == 0 else { throw .current("fchmod") }
    _ = unlink(next)
    try UnixAddress.with(next, "bind") { unsafe bind(descriptor.rawValue, $0, $1) }
    let failed: StaticString? =
      chmod(next, Self.mode) != 0
      ? "chmod"
      : listen(descriptor.rawValue, Self.backlog) != 0 ? "listen" : rename(next, path) != 0 ? "rename" : nil
    if let failed {
      let error = Errno.current(failed)
      _ = unlink(next)
      throw error
    }
    identity = SocketFile(of: path)
    self.descriptor = descriptor
  }

  /// The next connection; nil after `stop`.
  package func accept() throws(Errno) -> MessageSocket? {
    while true {
      let result = Glibc.accept(descriptor.rawValue, nil, nil)
      if result >= 0 {
        _ = fcntl(result, F_SETFD, FD_CLOEXEC)
        return MessageSocket(owning: result)
      }
      switch errno {
      case EINVAL: return nil
      case EINTR, ECONNABORTED: continue
      default: throw .current("accept")
      }
    }
  }

  /// Nobody is accepted any more: `accept` answers nil. Any thread.
  package func stop() {
    _ = shutdown(descriptor.rawValue, Int32(SHUT_RDWR))
  }

  /// Takes the file away, unless another process has the path by now. Not to be called while one may be about to.
  package func remove() {
    if let identity, SocketFile(of: path) == identity { _ = unlink(path) }
  }
}

/// Which file a path names at some moment, so that nobody removes a later one.
struct SocketFile: Equatable, Sendable {
  private let device: UInt64
  private let inode: UInt64

  /// Nil when nothing is there.
  init?(of path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
  }
}
