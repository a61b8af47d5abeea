import CLinuxIO
import Glibc
import VXLAN

/// Sockets that an agent before this one has bound: what waits in them is not lost, and their ports stay.
extension UDPUnderlay {
  /// The inherited socket of this name, if it is bound just there, else a new one.
  static func listener(
    _ name: DescriptorName, at endpoint: Endpoint, joinsGroup: Bool, of inherited: InheritedDescriptors?
  ) throws(Errno) -> FileDescriptor {
    guard let inherited, let taken = inherited.take(name) else { return try open(endpoint, joinsGroup: joinsGroup) }
    let descriptor = FileDescriptor(owning: taken)
    let port = portOrFailure(of: taken, at: endpoint)
    if port == Int32(endpoint.udpPort) { return descriptor }
    inherited.noteMisfit("\(name) is not at \(endpoint)", [name])
    return try open(endpoint, joinsGroup: joinsGroup)
  }

  /// The port of a UDP socket that is bound to the endpoint's address; else -errno.
  static func portOrFailure(of descriptor: Int32, at endpoint: Endpoint) -> Int32 {
    var address = address(endpoint)
    return clinuxio_udp_port_at(descriptor, &address)
  }

  /// Datagrams that the socket has lost for want of room since it was opened, by whomever; 0 where the kernel does not
  /// tell.
  /// - SeeAlso: include/uapi/linux/sock_diag.h, SK_MEMINFO_DROPS; SO_MEMINFO of Linux 4.12.
  static func dropCount(of socket: borrowing FileDescriptor) -> UInt32 {
    let (option, drops): (Int32, Int) = (55, 8)
    var values = [UInt32](repeating: 0, count: drops + 1)
    var byteCount = socklen_t(values.count * MemoryLayout<UInt32>.stride)
    let answered = getsockopt(socket.rawValue, SOL_SOCKET, option, &values, &byteCount)
    return answered == 0 ? values[drops] : 0
  }
}

extension UDPSenders {
  /// The inherited sockets that can be of this pool, in its order, and their ports. They are the caller's.
  static func adopted(
    from inherited: InheritedDescriptors?, count: Int, at local: Endpoint
  ) -> [(descriptor: Int32, port: UInt16)] {
    guard let inherited else { return [] }
    var adopted: [(descriptor: Int32, port: UInt16)] = []
    for number in 0..<count {
      guard let descriptor = inherited.take(.source(number)) else { continue }
      let port = UInt16(exactly: UDPUnderlay.portOrFailure(of: descriptor, at: local)) ?? 0
      let isFit =
        Specification.sourcePortRange.contains(port) && !adopted.contains { $0.port == port }
        && clinuxio_udp_send_only(descriptor) == 0
      if isFit {
        adopted.append((descriptor, port))
      } else {
        let name = DescriptorName.source(number)
        inherited.noteMisfit("\(name) is not at a source port of \(local.address)", [name])
        _ = close(descriptor)
      }
    }
    return adopted
  }
}
