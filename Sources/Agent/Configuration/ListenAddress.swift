import VXLAN

/// An address of this host and a TCP port, on which something listens.
package struct ListenAddress: Equatable, Sendable {
  /// May be the unspecified one: every address of its family.
  package let address: IPAddress
  /// 0 lets the system choose one; the configuration names one.
  package let tcpPort: UInt16

  package init(address: IPAddress, tcpPort: UInt16) {
    self.address = address
    self.tcpPort = tcpPort
  }
}

extension ListenAddress: CustomStringConvertible {
  package var description: String {
    Endpoint(address: address, udpPort: tcpPort).description
  }
}

extension ScalarText {
  /// `ADDRESS:PORT`; an IPv6 address stands in brackets.
  func listenAddress() throws(ValueFault) -> ListenAddress {
    let right = "write ADDRESS:PORT, such as 127.0.0.1:9910 or \"[::1]:9910\""
    guard let colon = text.lastIndex(of: ":") else { throw ValueFault(wrong: "\(shown) has no port", right: right) }
    let (host, digits) = (text[..<colon], text[text.index(after: colon)...])
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    guard !host.contains("%"), let address = IPAddress(String(isBracketed ? host.dropFirst().dropLast() : host)),
      isBracketed == (address.family == .ipv6)
    else { throw ValueFault(wrong: "\(shown) does not begin with an IP address", right: right) }
    guard !address.isMulticast, !address.isIPv6LinkLocal, address != IPAddress(ipv4: .max) else {
      throw ValueFault(wrong: "\(address) is no address that one host can be reached at", right: right)
    }
    guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let port = UInt16(digits), port > 0 else {
      throw ValueFault(wrong: "\(shown) has no port from 1 to 65535", right: right)
    }
    return ListenAddress(address: address, tcpPort: port)
  }
}
