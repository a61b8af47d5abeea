import CLinuxIO
import Glibc

/// Tells the service manager that started this process how it is, by a datagram to `$NOTIFY_SOCKET`.
///
/// Without the variable nothing is sent and nothing is an error.
/// - SeeAlso: sd_notify(3), "Notes": the protocol without the library.
package struct ServiceNotification: Sendable {
  private static let sendTime = Duration.seconds(1)

  private let socketPath: String?

  /// `socketPath`: the value of `$NOTIFY_SOCKET`; a leading `@` means the abstract namespace.
  package init(socketPath: String?) {
    self.socketPath = socketPath.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Whether somebody is told.
  package var hasManager: Bool { socketPath != nil }

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

  /// The service goes on.
  package func watchdog() throws(Errno) { try send("WATCHDOG=1") }

  /// A line for people.
  package func status(_ text: String) throws(Errno) { try send("STATUS=\(Self.oneLine(text))") }

  private static func oneLine(_ text: String) -> String {
    String(text.map { $0.isNewline ? " " : $0 })
  }

  /// Sends one message, with copies of descriptors. Waits for a manager that is busy, for `sendTime`.
  func send(_ message: String, descriptors: [Int32] = []) throws(Errno) {
    guard let socketPath else { return }
    guard socketPath.first == "@" || socketPath.first == "/", socketPath.utf8.count <= UnixAddress.byteCountMax else {
      throw Errno(EINVAL, "NOTIFY_SOCKET=\(socketPath) (a path or @name of at most \(UnixAddress.byteCountMax) bytes)")
    }
    let opened = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard opened >= 0 else { throw Errno.current("socket(AF_UNIX)") }
    let socket = FileDescriptor(owning: opened)
    try UnixAddress.with(socketPath, "connect") { unsafe connect(opened, $0, $1) }
    let (bytes, deadline) = (Array(message.utf8), ContinuousClock.now + Self.sendTime)
    while true {
      let result = clinuxio_pass(socket.rawValue, bytes, bytes.count, descriptors, Int32(clamping: descriptors.count))
      if result == 0 { return }
      guard result == -EAGAIN, try socket.wait(for: Int16(POLLOUT), until: deadline) else {
        throw Errno(-result, "sendmsg(NOTIFY_SOCKET)")
      }
    }
  }
}
