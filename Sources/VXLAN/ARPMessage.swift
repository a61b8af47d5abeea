/// An ARP message between Ethernet and IPv4, behind the Ethernet header.
///
///     bytes 0...1    hardware type, 1        bytes 2...3    protocol type, 0x0800
///     byte  4        MAC length, 6           byte  5        address length, 4
///     bytes 6...7    1 request, 2 reply
///     bytes 8...13   sender's MAC            bytes 14...17  sender's address
///     bytes 18...23  target's MAC            bytes 24...27  target's address
///
/// - SeeAlso: RFC 826; RFC 5227 for probes and announcements.
package struct ARPMessage: Equatable, Sendable {
  package static let byteCount = 28
  /// Of a frame without a tag that carries one.
  package static let frameByteCount = EthernetHeader.byteCount + byteCount

  package enum Operation: UInt16, Sendable {
    case request = 1
    case reply = 2
  }

  package var operation: Operation
  package var senderMAC: MACAddress
  /// Unspecified in a probe (RFC 5227, section 1.1).
  package var sender: IPAddress
  /// What a request asks for, or nothing.
  package var targetMAC: MACAddress
  package var target: IPAddress

  package init(
    _ operation: Operation, senderMAC: MACAddress, sender: IPAddress, targetMAC: MACAddress, target: IPAddress
  ) {
    self.operation = operation
    self.senderMAC = senderMAC
    self.sender = sender
    self.targetMAC = targetMAC
    self.target = target
  }

  /// Reads what follows the Ethernet header of `frame`, which has no tag. Nil for other lengths, types and operations.
  package init?(inFrame frame: borrowing Span<UInt8>) {
    let start = EthernetHeader.byteCount
    guard frame.count >= Self.frameByteCount, frame.bigEndian32(at: start) == 0x0001_0800,
      frame.bigEndian16(at: start + 4) == 0x0604,
      let operation = Operation(rawValue: frame.bigEndian16(at: start + 6))
    else { return nil }
    self.operation = operation
    senderMAC = frame.macAddress(at: start + 8)
    sender = IPAddress(ipv4At: start + 14, in: frame)
    targetMAC = frame.macAddress(at: start + 18)
    target = IPAddress(ipv4At: start + 24, in: frame)
  }

  /// Writes the message and the Ethernet header in front of it, from its sender to `destination`.
  /// - Parameter frame: at least `frameByteCount` bytes.
  package func write(to destination: MACAddress, in frame: inout MutableSpan<UInt8>) {
    let start = EthernetHeader.byteCount
    frame.setEthernetHeader(to: destination, from: senderMAC, etherType: Specification.etherTypeARP)
    frame.setBigEndian32(0x0001_0800, at: start)
    frame.setBigEndian16(0x0604, at: start + 4)
    frame.setBigEndian16(operation.rawValue, at: start + 6)
    frame.setMACAddress(senderMAC, at: start + 8)
    frame.setBigEndian32(UInt32(truncatingIfNeeded: sender.low), at: start + 14)
    frame.setMACAddress(targetMAC, at: start + 18)
    frame.setBigEndian32(UInt32(truncatingIfNeeded: target.low), at: start + 24)
  }
}
