import CLinuxIO
import Glibc

/// A socket to the kernel's routing tables: one request at a time, and its answers.
///
/// It belongs to the network namespace of the thread that opened it, wherever it is used afterwards. Closed at the
/// end of its life. Not for two threads at once: requests are `mutating`.
///
/// Errors carry the request, what it was about, and the kernel's own sentence where it gave one:
/// `RTM_NEWLINK br0 (Attribute failed policy validation): Invalid argument`.
/// - SeeAlso: netlink(7), rtnetlink(7).
package struct NetlinkSocket: ~Copyable, Sendable {
  /// Room for one datagram; the kernel fills at most 32 KiB at a time unless asked with more room.
  private static let receiveByteCountMax = 65_536
  /// How many messages one request may answer. A host with more links or addresses is not ours to run on.
  private static let replyCountMax = 65_536
  /// How often a list that changed while it was read is asked for again.
  private static let dumpAttemptCountMax = 5
  /// The kernel answers within the call; waiting is for a lock that somebody else holds.
  private static let timeoutSeconds = 2

  private let descriptor: Int32
  private var sequence: UInt32 = 0
  private var buffer = [UInt8](repeating: 0, count: receiveByteCountMax)

  /// Opens a socket in the calling thread's network namespace.
  package init() throws(Errno) {
    descriptor = try Self.open()
  }

  deinit { _ = close(descriptor) }

  /// Sends `message` and returns the answers, without the acknowledgement. `call` stands in the error: the message's
  /// type and what it is about.
  /// - Throws: what the kernel answered; `ETIMEDOUT` after 2 s without an answer; `EBADMSG` for one that cannot be
  ///   read.
  package mutating func request(_ message: NetlinkMessage, _ call: String) throws(Errno) -> [NetlinkReply] {
    for _ in 0..<Self.dumpAttemptCountMax {
      sequence &+= 1
      var numbered = message
      numbered.sequence = sequence
      try send(numbered.bytes, call)
      if let replies = try receiveAnswers(call) { return replies }
    }
    throw Errno(EAGAIN, "\(call) (the list changed each time it was read)")
  }

  /// A socket with its options set, or none.
  private static func open() throws(Errno) -> Int32 {
    let descriptor = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), NETLINK_ROUTE)
    guard descriptor >= 0 else { throw Errno.current("socket(AF_NETLINK)") }
    var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
    var results = [setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))]
    // Extended acknowledgement gives the kernel's sentence, capped acknowledgement leaves our own bytes out of it,
    // strict checking makes the kernel filter lists and refuse what it does not understand.
    for option in [NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK] {
      var on: Int32 = 1
      results.append(setsockopt(descriptor, SOL_NETLINK, option, &on, socklen_t(MemoryLayout<Int32>.size)))
    }
    guard results.allSatisfy({ $0 == 0 }) else {
      let error = Errno.current("setsockopt(AF_NETLINK)")
      _ = close(descriptor)
      throw error
    }
    return descriptor
  }

  private func send(_ bytes: [UInt8], _ call: String) throws(Errno) {
    var kernel = sockaddr_nl()
    kernel.nl_family = sa_family_t(AF_NETLINK)
    // SAFETY: `kernel` and `bytes` outlive the call, and the lengths are theirs.
    let sent = unsafe withUnsafePointer(to: &kernel) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe bytes.withUnsafeBytes {
          unsafe sendto(
            descriptor, $0.baseAddress, $0.count, 0, address, socklen_t(MemoryLayout<sockaddr_nl>.size))
        }
      }
    }
    guard sent == bytes.count else { throw Errno(sent < 0 ? errno : EMSGSIZE, call) }
  }

  /// Reads until the acknowledgement or the end of the list. Nil when a list changed while it was read.
  private mutating func receiveAnswers(_ call: String) throws(Errno) -> [NetlinkReply]? {
    var answers: [NetlinkReply] = []
    var isConsistent = true
    while true {
      // An answer to an earlier request that timed out may still arrive: its number tells.
      for reply in try NetlinkReply.messages(in: try receiveDatagram(call)) where reply.sequence == sequence {
        if reply.flags & NLM_F_DUMP_INTR != 0 { isConsistent = false }
        switch Int32(reply.type) {
        case NLMSG_NOOP: continue
        case NLMSG_ERROR, NLMSG_DONE:
          let outcome = try reply.outcome()
          guard outcome.number == 0 else {
            throw Errno(outcome.number, outcome.text.map { "\(call) (\($0))" } ?? call)
          }
          return isConsistent ? answers : nil
        default:
          guard answers.count < Self.replyCountMax else { throw Errno(EMSGSIZE, call) }
          answers.append(reply)
        }
      }
    }
  }

  private mutating func receiveDatagram(_ call: String) throws(Errno) -> ArraySlice<UInt8> {
    while true {
      var sender = sockaddr_nl()
      var senderByteCount = socklen_t(MemoryLayout<sockaddr_nl>.size)
      // SAFETY: the kernel writes at most `count` bytes into the buffer and `senderByteCount` into `sender`.
      let received = unsafe withUnsafeMutablePointer(to: &sender) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
          unsafe buffer.withUnsafeMutableBytes {
            unsafe recvfrom(
              descriptor, $0.baseAddress, $0.count, Int32(MSG_TRUNC), address, &senderByteCount)
          }
        }
      }
      guard received >= 0 else {
        let number = errno
        if number == EINTR { continue }
        throw Errno(number == EAGAIN ? ETIMEDOUT : number, call)
      }
      // Another process may send to our port; the kernel's own is 0.
      guard sender.nl_pid == 0 else { continue }
      guard received <= buffer.count else { throw Errno(EMSGSIZE, call) }
      return buffer[..<received]
    }
  }
}
