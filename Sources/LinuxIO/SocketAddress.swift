import Glibc
import VXLAN

/// Addresses of sockets of either family, as the system's calls carry them.
enum SocketAddress {
  /// The port that a socket is bound to.
  static func localPort(of descriptor: Int32) throws(Errno) -> UInt16 {
    var address = sockaddr_in6()
    var byteCount = socklen_t(MemoryLayout<sockaddr_in6>.size)
    // SAFETY: the larger of the two families' structures is given with its size.
    let answered = unsafe withUnsafeMutablePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &byteCount) }
    }
    guard answered == 0 else { throw Errno.current("getsockname") }
    // Both families have the port in the same place.
    return UInt16(bigEndian: address.sin6_port)
  }

  /// Lends address and port as `bind` and `connect` want them.
  static func with(
    _ address: IPAddress, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    switch address.family {
    case .ipv4:
      var four = sockaddr_in()
      four.sin_family = sa_family_t(AF_INET)
      four.sin_port = port.bigEndian
      four.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.low).bigEndian
      return rebound(&four, body)
    case .ipv6:
      var six = sockaddr_in6()
      six.sin6_family = sa_family_t(AF_INET6)
      six.sin6_port = port.bigEndian
      // SAFETY: sixteen octets into the sixteen of the structure.
      unsafe withUnsafeMutableBytes(of: &six.sin6_addr) { unsafe $0.copyBytes(from: address.octets) }
      return rebound(&six, body)
    }
  }

  private static func rebound<Family>(
    _ address: inout Family, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    // SAFETY: every family's structure starts as `sockaddr` does; the length is the structure's own.
    unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe body($0, socklen_t(MemoryLayout<Family>.size))
      }
    }
  }
}
