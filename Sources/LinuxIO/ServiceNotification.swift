import CLinuxIO
import Glibc

/// Tells the service manager that started this process how it is, by a datagram to `$NOTIFY_SOCKET`.
///
/// Without the variable nothing is sent and nothing is an error.
/// - SeeAlso: sd_notify(3), "Notes": the protocol without the library.
package struct ServiceNotification: Sendable {
  private let socketPath: String?

  /// `socketPath`: the value of `$NOTIFY_SOCKET`; a leading `@` means the abstract namespace.
  package init(socketPath: String?) {
    self.socketPath = socketPath.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// For the process's own `$NOTIFY_SOCKET`.
  package static func fromEnvironment() -> ServiceNotification {
    // SAFETY: nobody in this program changes the environment.
    ServiceNotification(socketPath: unsafe getenv("NOTIFY_SOCKET").map { unsafe String(cString: $0) })
  }

  /// The service is up; `status` is a line for people.
  package func ready(status: String) throws(Errno) { try send("READY=1\nSTATUS=\(Self.oneLine(status))") }

  /// The service reads its configuration again; `ready` says that it has.
  /// - Parameter monotonic: `CLOCK_MONOTONIC` now, in microseconds.
  /// - SeeAlso: sd_notify(3), "RELOADING=1".
  package func reloading(monotonic: UInt64) throws(Errno) { try send("RELOADING=1\nMONOTONIC_USEC=\(monotonic)") }

  /// The service is about to end.
  package func stopping() throws(Errno) { try send("STOPPING=1") }

  /// A line for people.
  package func status(_ text: String) throws(Errno) { try send("STATUS=\(Self.oneLine(text))") }

  private static func oneLine(_ text: String) -> String {
    String(text.map { $0.isNewline ? " " : $0 })
  }

  private func send(_ message: String) throws(Errno) {
    guard let socketPath else { return }
    var path = Array(socketPath.utf8)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let pathByteCountMax = MemoryLayout.size(ofValue: address.sun_path)
    guard path.first == UInt8(ascii: "@") || path.first == UInt8(ascii: "/"), path.count < pathByteCountMax else {
      throw Errno(EINVAL, "NOTIFY_SOCKET=\(socketPath) (a path or @name of at most \(pathByteCountMax - 1) bytes)")
    }
    if path[0] == UInt8(ascii: "@") { path[0] = 0 }
    // SAFETY: the guard above keeps the copy inside `sun_path`.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Errno.current("socket(AF_UNIX)") }
    defer { _ = close(descriptor) }
    // An abstract name is exactly as long as said; a path ends with its zero byte.
    let byteCount = MemoryLayout<sa_family_t>.size + path.count + (path[0] == 0 ? 0 : 1)
    let bytes = Array(message.utf8)
    // SAFETY: `address` and `bytes` outlive the call, and the lengths are theirs.
    let sent = unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        unsafe sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), pointer, socklen_t(byteCount))
      }
    }
    guard sent == bytes.count else { throw Errno.current("sendto(NOTIFY_SOCKET)") }
  }
}
