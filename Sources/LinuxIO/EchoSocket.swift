import Glibc
import VXLAN

/// This host's own traffic on one device: echo requests with their replies, and broadcasts to the discard port. Nothing
/// is cut on the way out.
///
/// *Threads.* One.
/// - SeeAlso: RFC 792, echo or echo reply message; RFC 863.
package final class EchoSocket {
  private static let echoRequest: UInt8 = 8
  private static let echoReply: UInt8 = 0
  private static let echoHeaderByteCount = 8
  private static let discardPort: UInt16 = 9

  /// What the IPv4 and the ICMP header take of a device's MTU; the UDP header is as long.
  package static let headerByteCount = Specification.ipv4HeaderByteCount + echoHeaderByteCount

  private let echoes: Int32
  private let broadcasts: Int32
  private let identifier = UInt16.random(in: .min ... .max)
  private var received = [UInt8](repeating: 0, count: 1 << 16)

  /// - Throws: without the right to raw sockets, or without the device.
  package init(device: String) throws(Errno) {
    echoes = try Self.open(SOCK_RAW, Int32(IPPROTO_ICMP), device)
    do throws(Errno) {
      broadcasts = try Self.open(SOCK_DGRAM, 0, device)
    } catch {
      close(echoes)
      throw error
    }
  }

  deinit {
    close(echoes)
    close(broadcasts)
  }

  private static func open(_ kind: __socket_type, _ number: Int32, _ device: String) throws(Errno) -> Int32 {
    let flags = SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
    let descriptor = socket(AF_INET, Int32(kind.rawValue | flags), number)
    guard descriptor >= 0 else { throw Errno(errno, "socket") }
    var on: Int32 = 1
    var whole = Int32(IP_PMTUDISC_DO)
    let size = socklen_t(MemoryLayout<Int32>.size)
    guard setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, device, socklen_t(device.utf8.count)) == 0,
      setsockopt(descriptor, SOL_SOCKET, SO_BROADCAST, &on, size) == 0,
      setsockopt(descriptor, Int32(IPPROTO_IP), IP_MTU_DISCOVER, &whole, size) == 0
    else {
      let number = errno
      close(descriptor)
      throw Errno(number, device)
    }
    return descriptor
  }

  /// An echo request with so many bytes of payload.
  /// - Returns: why it was not sent; nil when it was.
  package func ask(_ address: IPAddress, payload: [UInt8], number: Int) -> String? {
    let header =
      [Self.echoRequest, 0, 0, 0] + Self.octets(identifier) + Self.octets(UInt16(truncatingIfNeeded: number))
    var message = header + payload
    let sum = ~Self.sum(message)
    message.replaceSubrange(2..<4, with: Self.octets(sum))
    return send(message, to: address, port: 0, on: echoes)
  }

  /// - Returns: why it was not sent; nil when it was.
  package func tellAll(payload: [UInt8]) -> String? {
    send(payload, to: IPAddress(ipv4: 0xFFFF_FFFF), port: Self.discardPort, on: broadcasts)
  }

  /// Every reply that is there, from its ICMP header on. What the host's own echo requests are is left out.
  package func replies(_ body: (Span<UInt8>) -> Void) {
    while true {
      let count = recv(echoes, &received, received.count, 0)
      guard count > 0 else { return }
      let start = Int(received[0] & 0x0F) * 4
      guard count - start > Self.echoHeaderByteCount, received[start] == Self.echoReply,
        Array(received[start + 4..<start + 6]) == Self.octets(identifier)
      else { continue }
      body(received.span.extracting(start..<count))
    }
  }

  private func send(_ bytes: [UInt8], to address: IPAddress, port: UInt16, on descriptor: Int32) -> String? {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    name.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.low).bigEndian
    // SAFETY: name and bytes are read during the call only.
    let sent = withUnsafePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(
          descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    return sent == bytes.count ? nil : String(cString: strerror(errno))
  }

  private static func octets(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }

  private static func sum(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for (index, byte) in bytes.enumerated() { sum += index % 2 == 0 ? UInt32(byte) << 8 : UInt32(byte) }
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    return UInt16(sum)
  }
}
