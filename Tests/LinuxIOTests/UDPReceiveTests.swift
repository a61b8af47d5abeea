import CLinuxIO
import Glibc
import Testing
import VXLAN

@testable import LinuxIO

/// What the receive call says of datagrams that it could not hand over whole. In the agent's own buffers every datagram
/// and every note fits; should one not, it must not be taken for a good one. Without CAP_SYS_ADMIN these fail.
@Suite("receiving into what is too small (root)")
final class UDPReceiveTests {
  private static let port: UInt16 = 4789
  private let namespace: NetworkNamespace
  private let listener: FileDescriptor
  private let sender: UDPTestSocket

  init() throws {
    namespace = try NetworkNamespace.create()
    var netlink = try namespace.run { () throws(Errno) in try NetlinkSocket() }
    let link = try #require(try netlink.link(named: "lo"))
    try netlink.setLink(index: link.index, LinkChange(isUp: true))
    let local = try #require(IPAddress("127.0.0.1"))
    listener = try namespace.run { () throws(Errno) in try Self.listen(at: local) }
    sender = try namespace.run { () throws(Errno) in try UDPTestSocket(at: Endpoint(address: local, udpPort: 40_000)) }
  }

  /// A listening socket with the options of the underlay's.
  private static func listen(at address: IPAddress) throws(Errno) -> FileDescriptor {
    var local = clinuxio_address()
    clinuxio_address_set(&local, 0, address.octets, port)
    var call: UnsafePointer<CChar>?
    let descriptor = clinuxio_udp_open(&local, 1 << 20, 0, &call)
    guard descriptor >= 0 else { throw Errno(-descriptor, "clinuxio_udp_open") }
    let owned = FileDescriptor(owning: descriptor)
    let result = min(clinuxio_udp_listen_options(descriptor, 0, 0, &call), clinuxio_udp_join(descriptor, 1))
    guard result >= 0 else { throw Errno(-result, "clinuxio_udp_listen_options") }
    return owned
  }

  /// Sends a datagram and answers what is said of it when there is room for `byteCount` bytes.
  private func receive(_ payload: [UInt8], into byteCount: Int) throws -> clinuxio_datagram {
    try sender.send(payload, to: Endpoint(address: try #require(IPAddress("127.0.0.1")), udpPort: Self.port))
    var poller = pollfd(fd: listener.rawValue, events: Int16(POLLIN), revents: 0)
    try #require(poll(&poller, 1, 10_000) == 1)
    var buffer = [UInt8](repeating: 0, count: byteCount)
    var datagram = clinuxio_datagram()
    var overflow: UInt32 = 0
    let count = clinuxio_udp_receive(listener.rawValue, &buffer, byteCount, &datagram, 1, &overflow)
    #expect(count == 1)
    return datagram
  }

  @Test("a datagram that fills its buffer is whole; one byte more and it says that it was cut")
  func truncated() throws {
    let whole = try receive([UInt8](repeating: 1, count: 100), into: 100)
    #expect(whole.byte_count == 100 && whole.is_truncated == 0)
    let cut = try receive([UInt8](repeating: 1, count: 101), into: 100)
    #expect(cut.byte_count == 100 && cut.is_truncated == 1)
  }

  @Test("joined datagrams are one buffer with their length; cut, they say so")
  func truncatedRun() throws {
    // UDP_SEGMENT.
    try sender.set(Int32(IPPROTO_UDP), 103, 50)
    let payload = [UInt8](repeating: 1, count: 170)
    let whole = try receive(payload, into: 200)
    #expect(whole.byte_count == 170 && whole.segment_bytes == 50 && whole.is_truncated == 0)
    let cut = try receive(payload, into: 169)
    #expect(cut.byte_count == 169 && cut.is_truncated == 1)
  }

  @Test("a datagram whose notes did not all fit says that it is not to be trusted")
  func truncatedControl() throws {
    let plain = try receive([1, 2, 3], into: 100)
    #expect(plain.is_truncated == 0)
    // More notes than anybody asked room for: IP_PKTINFO, IP_RECVTTL, IP_RECVORIGDSTADDR, and a time stamp.
    for (level, option) in [(Int32(IPPROTO_IP), Int32(8)), (Int32(IPPROTO_IP), 12), (Int32(IPPROTO_IP), 20)] {
      var on: Int32 = 1
      #expect(setsockopt(listener.rawValue, level, option, &on, socklen_t(MemoryLayout<Int32>.size)) == 0)
    }
    var on: Int32 = 1
    #expect(setsockopt(listener.rawValue, SOL_SOCKET, SO_TIMESTAMP, &on, socklen_t(MemoryLayout<Int32>.size)) == 0)
    let noted = try receive([1, 2, 3], into: 100)
    #expect(noted.byte_count == 3 && noted.is_truncated == 1)
  }
}
