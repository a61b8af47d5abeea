import Glibc
import VXLAN

/// A TCP socket that never blocks, in the network namespace of the thread that opened it, usable from any.
///
/// For programs that measure across namespaces: open it in `NetworkNamespace.run`. Closed at the end of its life.
package struct TCPSocket: ~Copyable, Sendable {
  private let descriptor: Int32

  private init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit { _ = close(descriptor) }

  /// A socket that takes one caller at a time, at a port that the kernel chooses.
  package static func listening(at address: IPAddress) throws(Errno) -> TCPSocket {
    let listener = try TCPSocket(family: address.family)
    let bound = SocketAddress.with(address, 0) { unsafe bind(listener.descriptor, $0, $1) }
    guard bound == 0 else { throw Errno.current("bind(TCP)") }
    guard listen(listener.descriptor, 1) == 0 else { throw Errno.current("listen") }
    return listener
  }

  /// A socket that has begun to call; it can send when the other end has answered.
  package static func calling(_ address: IPAddress, tcpPort: UInt16) throws(Errno) -> TCPSocket {
    let caller = try TCPSocket(family: address.family)
    let begun = SocketAddress.with(address, tcpPort) { unsafe connect(caller.descriptor, $0, $1) }
    guard begun == 0 || errno == EINPROGRESS else { throw Errno.current("connect") }
    return caller
  }

  /// The port of this end.
  package borrowing func tcpPort() throws(Errno) -> UInt16 {
    try SocketAddress.localPort(of: descriptor)
  }

  /// The next caller, nil when there is none yet.
  package borrowing func accept() throws(Errno) -> TCPSocket? {
    let caller = Glibc.accept(descriptor, nil, nil)
    guard caller >= 0 else {
      if Self.isNothingYet(errno) { return nil }
      throw Errno.current("accept")
    }
    guard fcntl(caller, F_SETFL, O_NONBLOCK) == 0, fcntl(caller, F_SETFD, FD_CLOEXEC) == 0 else {
      let error = Errno.current("fcntl")
      _ = close(caller)
      throw error
    }
    return TCPSocket(descriptor: caller)
  }

  /// Sends what fits of `bytes` and returns how many bytes that was, 0 when there is no room now.
  package borrowing func send(_ bytes: ArraySlice<UInt8>) throws(Errno) -> Int {
    // SAFETY: the pointer and the count are the slice's.
    let sent = unsafe bytes.withUnsafeBytes {
      unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
    if sent >= 0 { return sent }
    if Self.isNothingYet(errno) { return 0 }
    throw Errno.current("send(TCP)")
  }

  /// Fills `buffer` from its start and returns how many bytes came: 0 at the end of the stream, nil when nothing is
  /// there yet.
  package borrowing func receive(into buffer: inout [UInt8]) throws(Errno) -> Int? {
    // SAFETY: at most the buffer's own count is written.
    let received = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
    if received >= 0 { return received }
    if Self.isNothingYet(errno) { return nil }
    throw Errno.current("recv(TCP)")
  }

  /// Tells the other end that nothing more comes.
  package borrowing func endSending() throws(Errno) {
    guard shutdown(descriptor, Int32(SHUT_WR)) == 0 else { throw Errno.current("shutdown") }
  }

  /// Waits at most `milliseconds` until this socket has something to read or, if that is wanted, `other` has room.
  package borrowing func awaitInput(milliseconds: Int32, orRoomIn other: borrowing TCPSocket, wanted: Bool) {
    // poll passes over a negative descriptor.
    var waits = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: wanted ? other.descriptor : -1, events: Int16(POLLOUT), revents: 0),
    ]
    // An error shows at the next call on the socket.
    _ = poll(&waits, nfds_t(waits.count), milliseconds)
  }

  private init(family: AddressFamily) throws(Errno) {
    let type = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
    let descriptor = socket(family == .ipv4 ? AF_INET : AF_INET6, Int32(type), 0)
    guard descriptor >= 0 else { throw Errno.current("socket(TCP)") }
    self.init(descriptor: descriptor)
  }

  /// What a call that does not block answers instead; `ENOTCONN` while a call is still being made.
  private static func isNothingYet(_ number: Int32) -> Bool {
    number == EAGAIN || number == EINTR || number == ENOTCONN
  }
}
