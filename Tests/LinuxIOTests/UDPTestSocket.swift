import Glibc
import VXLAN

@testable import LinuxIO

/// A socket that sees and sends whole frames on the device with the number `index`, in the calling thread's namespace.
func openPacketSocket(onLink index: Int32) throws(Errno) -> Int32 {
  // ETH_P_ALL, in network byte order.
  let everything: UInt16 = UInt16(3).bigEndian
  let descriptor = socket(AF_PACKET, Int32(SOCK_RAW.rawValue), Int32(everything))
  guard descriptor >= 0 else { throw .current("socket(AF_PACKET)") }
  // struct sockaddr_ll: family 2, protocol 2, index 4, and 12 bytes that bind does not read.
  var address = sockaddr_storage()
  withUnsafeMutableBytes(of: &address) { bytes in
    bytes.storeBytes(of: UInt16(AF_PACKET), toByteOffset: 0, as: UInt16.self)
    bytes.storeBytes(of: everything, toByteOffset: 2, as: UInt16.self)
    bytes.storeBytes(of: index, toByteOffset: 4, as: Int32.self)
  }
  let bound = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, 20) }
  }
  guard bound == 0 else { throw .current("bind(AF_PACKET)") }
  return descriptor
}

/// An ordinary UDP socket with the kernel's defaults: what somebody else on the underlay sends from.
final class UDPTestSocket {
  private let descriptor: Int32

  /// In the calling thread's namespace, bound to a port of the kernel's choice unless one is given.
  init(at local: Endpoint) throws(Errno) {
    let family = local.address.family == .ipv4 ? AF_INET : AF_INET6
    descriptor = socket(family, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { throw .current("socket") }
    let bound = Self.withAddress(local) { bind(descriptor, $0, $1) }
    guard bound == 0 else { throw .current("bind") }
  }

  deinit { _ = close(descriptor) }

  func set(_ level: Int32, _ option: Int32, _ value: Int32) throws(Errno) {
    var value = value
    let result = setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    guard result == 0 else { throw .current("setsockopt") }
  }

  func send(_ payload: [UInt8], to destination: Endpoint) throws(Errno) {
    let sent = Self.withAddress(destination) { sendto(descriptor, payload, payload.count, 0, $0, $1) }
    guard sent == payload.count else { throw .current("sendto") }
  }

  /// The next `count` datagrams, or those that come within 20 s each.
  func receive(count: Int) -> [[UInt8]] {
    var all: [[UInt8]] = []
    while all.count < count {
      var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&poller, 1, 20_000) == 1 else { break }
      var bytes = [UInt8](repeating: 0, count: 65_536)
      let byteCount = recv(descriptor, &bytes, bytes.count, 0)
      guard byteCount >= 0 else { break }
      all.append(Array(bytes.prefix(byteCount)))
    }
    return all
  }

  private static func withAddress<Result>(
    _ endpoint: Endpoint, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    var storage = sockaddr_storage()
    let octets = endpoint.address.octets
    let isIPv6 = endpoint.address.family == .ipv6
    // sockaddr_in: family 2, port 2, address 4. sockaddr_in6: family 2, port 2, flow 4, address 16, scope 4.
    withUnsafeMutableBytes(of: &storage) { bytes in
      bytes.storeBytes(of: UInt16(isIPv6 ? AF_INET6 : AF_INET), toByteOffset: 0, as: UInt16.self)
      bytes.storeBytes(of: endpoint.udpPort.bigEndian, toByteOffset: 2, as: UInt16.self)
      for (index, octet) in octets.enumerated() { bytes[(isIPv6 ? 8 : 4) + index] = octet }
    }
    return withUnsafePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, isIPv6 ? 28 : 16) }
    }
  }
}
