import CLinuxIO
import Glibc
import VXLAN

/// The IP addresses of network devices.
extension NetlinkSocket {
  /// Gives a device an address. That it has it already is no error. An IPv6 address is usable at once: duplicate
  /// address detection is left out.
  package mutating func addAddress(_ prefix: IPPrefix, toLink index: Int32) throws(Errno) {
    var message = NetlinkMessage(type: RTM_NEWADDR, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)
    Self.append(prefix, ofLink: index, to: &message)
    do throws(Errno) {
      _ = try request(message, "RTM_NEWADDR \(prefix)")
    } catch {
      guard error.number == EEXIST else { throw error }
    }
  }

  /// Takes an address from a device. That it has it not is no error.
  package mutating func removeAddress(_ prefix: IPPrefix, fromLink index: Int32) throws(Errno) {
    var message = NetlinkMessage(type: RTM_DELADDR, flags: NLM_F_ACK)
    Self.append(prefix, ofLink: index, to: &message)
    do throws(Errno) {
      _ = try request(message, "RTM_DELADDR \(prefix)")
    } catch {
      guard error.number == EADDRNOTAVAIL || error.number == ENODEV else { throw error }
    }
  }

  private static func append(_ prefix: IPPrefix, ofLink index: Int32, to message: inout NetlinkMessage) {
    var header = ifaddrmsg()
    header.ifa_family = Self.family(of: prefix.address)
    header.ifa_prefixlen = prefix.length
    header.ifa_index = UInt32(bitPattern: index)
    if prefix.address.family == .ipv6 { header.ifa_flags = UInt8(IFA_F_NODAD) }
    message.append(structure: header)
    message.append(IFA_LOCAL, prefix.address.octets)
    message.append(IFA_ADDRESS, prefix.address.octets)
  }

  /// The addresses of a device, IPv4 first.
  package mutating func addresses(ofLink index: Int32) throws(Errno) -> [IPPrefix] {
    var addresses: [IPPrefix] = []
    for family in [AF_INET, AF_INET6] {
      var header = ifaddrmsg()
      header.ifa_family = UInt8(family)
      header.ifa_index = UInt32(bitPattern: index)
      var message = NetlinkMessage(type: RTM_GETADDR, flags: NLM_F_DUMP)
      message.append(structure: header)
      for reply in try request(message, "RTM_GETADDR \(index)") where reply.type == RTM_NEWADDR {
        if let prefix = try Self.address(parsing: reply, ofLink: index) { addresses.append(prefix) }
      }
    }
    return addresses
  }

  /// `AF_INET` or `AF_INET6` as the fixed structures carry it.
  static func family(of address: IPAddress) -> UInt8 {
    UInt8(address.family == .ipv4 ? AF_INET : AF_INET6)
  }

  /// `struct ifaddrmsg`, 8 bytes: family 1, prefix length 1, flags 1, scope 1, index 4. Nil for another device's.
  private static func address(parsing reply: NetlinkReply, ofLink index: Int32) throws(Errno) -> IPPrefix? {
    let attributes = try reply.attributes(after: MemoryLayout<ifaddrmsg>.size)
    guard let link: Int32 = reply.payload.netlinkInteger(at: 4), let length: UInt8 = reply.payload.netlinkInteger(at: 1)
    else { throw Errno(EBADMSG, "RTM_NEWADDR") }
    guard link == index else { return nil }
    // IPv4 names the own address IFA_LOCAL, IFA_ADDRESS being the far end of a point-to-point link.
    guard let octets = attributes.bytes(IFA_LOCAL) ?? attributes.bytes(IFA_ADDRESS),
      let address = IPAddress(netlinkOctets: octets), let prefix = IPPrefix("\(address)/\(length)")
    else { throw Errno(EBADMSG, "RTM_NEWADDR") }
    return prefix
  }
}

extension IPAddress {
  /// 4 or 16 octets in wire order; nil for another count.
  init?(netlinkOctets octets: ArraySlice<UInt8>) {
    let words = stride(from: octets.startIndex, to: octets.endIndex, by: 4).map { start in
      octets[start..<min(start + 4, octets.endIndex)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    switch octets.count {
    case 4: self.init(ipv4: UInt32(words[0]))
    case 16: self.init(ipv6High: words[0] << 32 | words[1], low: words[2] << 32 | words[3])
    default: return nil
    }
  }
}
