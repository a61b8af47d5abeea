import CLinuxIO
import Glibc

/// A message, with descriptors that are closed with it unless they are taken.
package struct PassedMessage: ~Copyable {
  package let bytes: [UInt8]
  private var descriptors: [Int32]

  init(bytes: [UInt8], descriptors: [Int32]) {
    self.bytes = bytes
    self.descriptors = descriptors
  }

  deinit { for descriptor in descriptors { _ = close(descriptor) } }

  package var descriptorCount: Int { descriptors.count }

  /// The descriptors, which are the caller's then.
  package mutating func takeDescriptors() -> [Int32] {
    defer { descriptors = [] }
    return descriptors
  }
}

/// One end of a connection on this host that carries bounded messages and descriptors (SOCK_SEQPACKET).
///
/// *Threads.* One at a time, but for `interrupt`.
/// - SeeAlso: unix(7).
package final class MessageSocket: Sendable {
  /// The longest message.
  package static let byteCountMax = 65_536
  /// The most descriptors of one message.
  package static let descriptorCountMax = Int(CLINUXIO_PASSED_MAX)

  private let descriptor: FileDescriptor

  /// Takes ownership of a connected socket.
  init(owning descriptor: Int32) {
    self.descriptor = FileDescriptor(owning: descriptor)
  }

  /// Connects to who listens at `path`.
  /// - Throws: ENOENT or ECONNREFUSED when nobody does, EACCES, EAGAIN when too many wait, EINVAL for no path.
  package static func connect(to path: String) throws(Errno) -> MessageSocket {
    let end = MessageSocket(owning: try open())
    try UnixAddress.with(path, "connect") { unsafe Glibc.connect(end.descriptor.rawValue, $0, $1) }
    return end
  }

  /// Two ends of one connection.
  package static func pair() throws(Errno) -> (MessageSocket, MessageSocket) {
    var ends: [Int32] = [0, 0]
    let type = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw .current("socketpair") }
    return (MessageSocket(owning: ends[0]), MessageSocket(owning: ends[1]))
  }

  static func open() throws(Errno) -> Int32 {
    let result = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard result >= 0 else { throw .current("socket(AF_UNIX)") }
    return result
  }

  /// Who the other end is: its process, as this one's namespace numbers it, and its effective user.
  package func peer() throws(Errno) -> (pid: pid_t, uid: uid_t) {
    var (pid, uid) = (pid_t(0), uid_t(0))
    let result = clinuxio_peer(descriptor.rawValue, &pid, &uid)
    guard result == 0 else { throw Errno(-result, "SO_PEERCRED") }
    return (pid, uid)
  }

  /// Sends one message, with copies of descriptors that stay the caller's.
  /// - Throws: ETIMEDOUT when the other end takes nothing for `time`, EPIPE when it is gone, EMSGSIZE or E2BIG for a
  ///   message that is too long.
  package func send(_ bytes: [UInt8], descriptors: [Int32] = [], within time: Duration) throws(Errno) {
    guard !bytes.isEmpty, bytes.count <= Self.byteCountMax else { throw Errno(EMSGSIZE, "sendmsg") }
    let deadline = ContinuousClock.now + time
    while true {
      let result = clinuxio_pass(
        descriptor.rawValue, bytes, bytes.count, descriptors, Int32(clamping: descriptors.count))
      switch result {
      case 0: return
      case -EINTR: continue
      case -EAGAIN: try wait(Int16(POLLOUT), until: deadline, "sendmsg")
      default: throw Errno(-result, "sendmsg")
      }
    }
  }

  /// The next message; nil when the other end has closed its own.
  /// - Throws: ETIMEDOUT when none comes for `time`, EMSGSIZE for one that is too long.
  package func receive(within time: Duration) throws(Errno) -> PassedMessage? {
    let deadline = ContinuousClock.now + time
    var bytes = [UInt8](repeating: 0, count: Self.byteCountMax)
    var descriptors = [Int32](repeating: -1, count: Self.descriptorCountMax)
    var count: Int32 = 0
    while true {
      let result = clinuxio_take_passed(descriptor.rawValue, &bytes, bytes.count, &descriptors, &count)
      switch result {
      case 0 where count == 0: return nil
      case 0...:
        return PassedMessage(
          bytes: Array(bytes.prefix(Int(result))), descriptors: Array(descriptors.prefix(Int(count))))
      // Told once, before what came last: the other end has closed without having read all.
      case -EINTR, -ECONNRESET: continue
      case -EAGAIN: try wait(Int16(POLLIN), until: deadline, "recvmsg")
      default: throw Errno(-result, "recvmsg")
      }
    }
  }

  /// Ends the connection: who waits at either end sees its end. Any thread.
  package func interrupt() {
    _ = shutdown(descriptor.rawValue, Int32(SHUT_RDWR))
  }

  private func wait(_ event: Int16, until deadline: ContinuousClock.Instant, _ call: String) throws(Errno) {
    guard try descriptor.wait(for: event, until: deadline) else { throw Errno(ETIMEDOUT, call) }
  }
}

extension FileDescriptor {
  /// Whether one of the poll events, or the end, comes before the deadline.
  borrowing func wait(for event: Int16, until deadline: ContinuousClock.Instant) throws(Errno) -> Bool {
    while true {
      let rest = deadline - .now
      guard rest > .zero else { return false }
      var entry = pollfd(fd: rawValue, events: event, revents: 0)
      let count = poll(&entry, 1, Int32(clamping: Int64(rest / .milliseconds(1)) + 1))
      if count > 0 { return true }
      if count < 0, errno != EINTR { throw .current("poll") }
    }
  }
}
