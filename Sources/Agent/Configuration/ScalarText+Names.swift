import VXLAN

/// Names, paths and addresses.
extension ScalarText {
  /// What the kernel takes as the name of a network device and what no path or format string trips over.
  func deviceName() throws(ValueFault) -> String {
    let name = try string()
    let limit = Configuration.Limits.deviceNameByteCountMax
    guard name.utf8.count <= limit else {
      throw ValueFault(
        wrong: "\(shown) has \(name.utf8.count) bytes", right: "the name of a network device has 1 to \(limit)")
    }
    if let character = name.first(where: { "/:%".contains($0) || $0.isWhitespace }) {
      throw ValueFault(
        wrong: "\(shown) has a \"\(character)\"",
        right: "the name of a network device has no slash, colon, percent sign or space, such as vx42")
    }
    guard name != ".", name != ".." else {
      throw ValueFault(wrong: "\(shown) names no device", right: "write a name such as vx42")
    }
    return name
  }

  /// A word that can stand in a table, on a command line and in a metric.
  func peerName() throws(ValueFault) -> String {
    let name = try string()
    let limit = Configuration.Limits.peerNameByteCountMax
    guard name.utf8.count <= limit else {
      throw ValueFault(wrong: "\(shown) has \(name.utf8.count) bytes", right: "a peer's name has 1 to \(limit)")
    }
    guard !name.contains(where: \.isWhitespace), !name.hasPrefix("-") else {
      throw ValueFault(
        wrong: "\(shown) is no peer's name", right: "a peer's name has no spaces and does not start with a dash")
    }
    return name
  }

  /// A path that fits into the address of a Unix socket.
  func socketPath() throws(ValueFault) -> String {
    let path = try string()
    let limit = Configuration.Limits.socketPathByteCountMax
    guard path.utf8.count <= limit else {
      throw ValueFault(
        wrong: "the path has \(path.utf8.count) bytes", right: "the path of a Unix socket has at most \(limit)")
    }
    guard !path.hasSuffix("/") else {
      throw ValueFault(wrong: "\(shown) is a directory", right: "write the path of the socket file itself")
    }
    return path
  }

  /// The address of a VTEP: one that can stand as source and destination of a unicast datagram.
  func underlayAddress() throws(ValueFault) -> IPAddress {
    guard !text.contains("%") else {
      throw ValueFault(
        wrong: "\(shown) has a zone", right: "write an address that is valid on the whole underlay, without %")
    }
    guard let address = IPAddress(text) else {
      throw ValueFault(
        wrong: "\(shown) is not an IP address", right: "write one such as 192.0.2.1 or 2001:db8::1, without a port")
    }
    if let kind = address.kindThatIsNoVTEP {
      throw ValueFault(wrong: "\(address) is \(kind)", right: "write the unicast address of one VTEP")
    }
    return address
  }

  /// The address and prefix length of a TAP.
  func overlayAddress() throws(ValueFault) -> IPPrefix {
    guard let prefix = IPPrefix(text) else {
      throw ValueFault(
        wrong: "\(shown) is not an address with a prefix length",
        right: "write one such as 10.42.0.1/24 or fd00:42::1/64")
    }
    if prefix.length == 0 {
      throw ValueFault(wrong: "\(shown) covers every address", right: "give the length of the overlay network's prefix")
    }
    let address = prefix.address
    let kind =
      address.isLoopback ? "a loopback address" : address.isIPv6LinkLocal ? nil : address.kindThatIsNoVTEP
    if let kind = kind ?? (prefix.isBroadcast ? "the broadcast address of its network" : nil) {
      throw ValueFault(wrong: "\(address) is \(kind)", right: "write the address of one host, such as 10.42.0.1/24")
    }
    return prefix
  }

  /// The address of one station.
  func unicastMAC() throws(ValueFault) -> MACAddress {
    guard let mac = MACAddress(text) else {
      throw ValueFault(wrong: "\(shown) is not a MAC address", right: "write six octets such as 02:00:00:00:00:01")
    }
    guard mac.isValidSource else {
      let kind = mac.isZero ? "zero" : mac.isBroadcast ? "broadcast" : "a multicast address"
      throw ValueFault(wrong: "\(mac) is \(kind)", right: "write a unicast address, whose first octet is even")
    }
    return mac
  }
}

extension IPAddress {
  /// What the address is, if no single host can be reached by it; nil for one that can be a VTEP's.
  fileprivate var kindThatIsNoVTEP: String? {
    if isUnspecified { return "the unspecified address" }
    if isMulticast { return "a multicast address" }
    if isIPv6LinkLocal { return "a link-local address, which means nothing without a zone" }
    if family == .ipv4, low == 0xFFFF_FFFF { return "the broadcast address" }
    if family == .ipv6, high == 0, low >> 32 == 0xFFFF {
      return "an IPv4 address in IPv6 form; IPv4 is written as such"
    }
    return nil
  }
}

extension IPPrefix {
  /// All host bits set, in an IPv4 network that has a broadcast address.
  fileprivate var isBroadcast: Bool {
    guard address.family == .ipv4, length < 31 else { return false }
    let hostBits = UInt64(0xFFFF_FFFF) >> UInt64(length)
    return address.low & hostBits == hostBits
  }
}
