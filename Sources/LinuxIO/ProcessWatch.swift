import CLinuxIO
import Glibc

/// Another process, of which only is to be known whether it has ended: just that one, also when its number is
/// another's.
/// - SeeAlso: pidfd_open(2).
package final class ProcessWatch: Sendable {
  private let descriptor: FileDescriptor

  /// - Throws: ESRCH when there is none, ENOSYS before Linux 5.3, EINVAL for one that this namespace does not see.
  package init(_ pid: pid_t) throws(Errno) {
    let result = clinuxio_pidfd_open(pid)
    guard result >= 0 else { throw .current("pidfd_open") }
    descriptor = FileDescriptor(owning: result)
  }

  /// Waits for the end. What it had open is closed by then.
  package func hasEnded(within time: Duration) -> Bool {
    (try? descriptor.wait(for: Int16(POLLIN), until: .now + time)) ?? false
  }
}
