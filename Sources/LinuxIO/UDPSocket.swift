import CLinuxIO
import Glibc
import VXLAN

/// A UDP socket that waits a while for what it is to receive, in the network namespace of the thread that opened it,
/// usable from any. For programs that measure; the underlay's sockets are `UDPUnderlay`. Closed at the end of its life.
package struct UDPSocket: ~Copyable, Sendable {
  /// Datagrams that one call sends or receives at most.
  package static let bulkCountMax = Int(CLINUXIO_BULK_COUNT_MAX)
  /// How long a receive waits.
  package static let receiveTime = Duration.milliseconds(50)

  private let descriptor: Int32

  private init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit { _ = close(descriptor) }

  /// A socket at a port that the kernel chooses.
  package static func bound(to address: IPAddress) throws(Errno) -> UDPSocket {
    let socket = try open(address.family)
    let bound = SocketAddress.with(address, 0) { unsafe bind(socket.descriptor, $0, $1) }
    guard bound == 0 else { throw Errno.current("bind(UDP)") }
    return socket
  }

  /// A socket that sends to one address and hears from nobody else.
  package static func calling(_ address: IPAddress, udpPort: UInt16) throws(Errno) -> UDPSocket {
    let socket = try open(address.family)
    let begun = SocketAddress.with(address, udpPort) { unsafe connect(socket.descriptor, $0, $1) }
    guard begun == 0 else { throw Errno.current("connect(UDP)") }
    return socket
  }

  /// The port of this end.
  package borrowing func udpPort() throws(Errno) -> UInt16 {
    try SocketAddress.localPort(of: descriptor)
  }

  /// Sends `payload` `count` times (at most `bulkCountMax`) in one call and returns how often it went, 0 when there is
  /// no room now or nobody listens (yet).
  package borrowing func sendCopies(of payload: [UInt8], count: Int) throws(Errno) -> Int {
    // The pointer is the array's for the time of the call.
    let sent = clinuxio_udp_send_copies(descriptor, payload, payload.count, Int32(clamping: count))
    return try Self.count(sent, "sendmmsg")
  }

  /// Takes what is there, up to `bulkCountMax` datagrams, their bytes all into `buffer`, one over the other; waits for
  /// the first up to `receiveTime`. Returns their number, 0 when none came.
  package borrowing func receiveBulk(into buffer: inout [UInt8]) throws(Errno) -> Int {
    let received = clinuxio_udp_receive_bulk(descriptor, &buffer, buffer.count)
    return try Self.count(received, "recvmmsg")
  }

  /// Takes one datagram, waiting for it up to `receiveTime`. Returns its length, nil when none came.
  package borrowing func receive(into buffer: inout [UInt8]) throws(Errno) -> Int? {
    let received = recv(descriptor, &buffer, buffer.count, 0)
    if received >= 0 { return received }
    if Self.isPassing(errno) { return nil }
    throw Errno.current("recv(UDP)")
  }

  /// Sends back to its sender the next datagram, waiting for it up to `receiveTime`. Returns whether one came.
  package borrowing func echo(_ buffer: inout [UInt8]) throws(Errno) -> Bool {
    var sender = sockaddr_in6()
    var byteCount = socklen_t(MemoryLayout<sockaddr_in6>.size)
    // SAFETY: the larger of the two families' structures is given with its size, and the buffer with its count.
    let received = unsafe withUnsafeMutablePointer(to: &sender) { place in
      unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        let received = unsafe recvfrom(descriptor, &buffer, buffer.count, 0, address, &byteCount)
        guard received >= 0 else { return received }
        return unsafe sendto(descriptor, buffer, received, 0, address, byteCount)
      }
    }
    if received >= 0 { return true }
    if Self.isPassing(errno) { return false }
    throw Errno.current("echo(UDP)")
  }

  private static func open(_ family: AddressFamily) throws(Errno) -> UDPSocket {
    let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(family == .ipv4 ? AF_INET : AF_INET6, type, 0)
    guard descriptor >= 0 else { throw Errno.current("socket(UDP)") }
    let opened = UDPSocket(descriptor: descriptor)
    var time = timeval(tv_sec: 0, tv_usec: Int(receiveTime / .microseconds(1)))
    let isTimed = setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size)) == 0
    guard isTimed else { throw Errno.current("setsockopt(SO_RCVTIMEO)") }
    for option in [SO_RCVBUFFORCE, SO_SNDBUFFORCE] {
      // Without CAP_NET_ADMIN the buffer stays as it is: no error.
      var byteCount = Limits.socketBufferByteCount
      _ = setsockopt(descriptor, SOL_SOCKET, option, &byteCount, socklen_t(MemoryLayout<Int32>.size))
    }
    return opened
  }

  private static func count(_ result: Int32, _ call: String) throws(Errno) -> Int {
    if result >= 0 { return Int(result) }
    if isPassing(-result) { return 0 }
    throw Errno(-result, call)
  }

  /// What the next call may do better; `ECONNREFUSED` is the answer to an earlier datagram.
  private static func isPassing(_ number: Int32) -> Bool {
    [EAGAIN, EINTR, ENOBUFS, ECONNREFUSED].contains(number)
  }
}
