import VXLAN

/// An inner Ethernet frame in words, as tcpdump's: `02:…:05 > 02:…:07 ARP who-has 10.99.0.3 tell 10.99.0.1`.
///
/// Addresses and ports are numbers. Whatever the bytes are, it says what it could read: `[|tcp]` where they end early.
package struct FrameText {
  private static let tagCountMax = 4

  /// Without what only those want to know who look closer.
  private let isQuiet: Bool
  private var text = ""

  private init(isQuiet: Bool) {
    self.isQuiet = isQuiet
  }

  /// - Parameter wireByteCount: of the frame before it was captured.
  package static func of(_ frame: borrowing Span<UInt8>, wireByteCount: Int, isQuiet: Bool) -> String {
    var writer = FrameText(isQuiet: isQuiet)
    writer.addFrame(frame, wireByteCount)
    return writer.text
  }

  private mutating func addFrame(_ frame: borrowing Span<UInt8>, _ wireByteCount: Int) {
    guard let header = EthernetHeader(parsing: frame) else {
      text += "[|ether]"
      return
    }
    text += "\(header.source) > \(header.destination) "
    var (etherType, offset, tagCount) = (header.etherType, EthernetHeader.byteCount, 0)
    while EthernetHeader.isTag(etherType), tagCount < Self.tagCountMax {
      guard frame.count - offset >= Specification.vlanTagByteCount else {
        text += "[|vlan]"
        return
      }
      let tag = frame.bigEndian16(at: offset)
      text += "vlan \(tag & 0xFFF), p \(tag >> 13), "
      etherType = frame.bigEndian16(at: offset + 2)
      offset += Specification.vlanTagByteCount
      tagCount += 1
    }
    addNetwork(frame, at: offset, etherType, wireByteCount)
  }

  private mutating func addNetwork(
    _ frame: borrowing Span<UInt8>, at offset: Int, _ etherType: UInt16, _ wireByteCount: Int
  ) {
    switch etherType {
    case Specification.etherTypeARP: addARP(frame, at: offset)
    case Specification.etherTypeIPv4, Specification.etherTypeIPv6:
      let name = etherType == Specification.etherTypeIPv4 ? "IP" : "IP6"
      guard let ip = IPPacket(frame, at: offset, etherType: etherType) else {
        text += "\(name) [|\(name == "IP" ? "ip" : "ip6")]"
        return
      }
      text += name + " "
      text += TransportText.of(ip, frame.extracting(first: ip.end(in: frame)), isQuiet: isQuiet)
    case 0..<0x0600: text += "802.3, length \(etherType)"
    default: text += "ethertype 0x\(Self.hex(UInt64(etherType), digits: 4)), length \(max(wireByteCount - offset, 0))"
    }
  }

  private mutating func addARP(_ frame: borrowing Span<UInt8>, at offset: Int) {
    guard frame.count - offset >= ARPMessage.byteCount else {
      text += "ARP [|arp]"
      return
    }
    let operation = frame.bigEndian16(at: offset + 6)
    guard frame.bigEndian32(at: offset) == 0x0001_0800, frame.bigEndian16(at: offset + 4) == 0x0604 else {
      text += "ARP operation \(operation), hardware \(frame.bigEndian16(at: offset))"
      return
    }
    let (sender, target) = (IPAddress(ipv4At: offset + 14, in: frame), IPAddress(ipv4At: offset + 24, in: frame))
    switch operation {
    case ARPMessage.Operation.request.rawValue: text += "ARP who-has \(target) tell \(sender)"
    case ARPMessage.Operation.reply.rawValue: text += "ARP reply \(sender) is-at \(frame.macAddress(at: offset + 8))"
    default: text += "ARP operation \(operation)"
    }
  }

  /// With zeros in front.
  static func hex(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}
