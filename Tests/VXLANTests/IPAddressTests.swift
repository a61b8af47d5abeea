import Testing
import VXLAN

@Suite("IPAddress")
struct IPAddressTests {
  /// What is read, and how RFC 5952 writes it.
  private static let texts = [
    ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
    // Section 4.1: no leading zeros. 4.3: lower case.
    ("2001:0DB8::0001", "2001:db8::1"), ("2001:DB8:0:0:0:0:ABCD:EF", "2001:db8::abcd:ef"),
    // 4.2.1: as short as possible. 4.2.2: one group of zero is not shortened. 4.2.3: the longest, else the first.
    ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"), ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("0:0:0:0:0:0:0:1", "::1"), ("::", "::"), ("fe80:0:0:0:0:0:0:0", "fe80::"),
    // Section 5.
    ("::ffff:c000:201", "::ffff:192.0.2.1"),
  ]

  @Test("an address is written as RFC 5952 wants it, and that text reads back as the same", arguments: texts)
  func text(given: String, canonical: String) throws {
    let address = try #require(IPAddress(given))
    #expect(address.description == canonical)
    #expect(IPAddress(canonical) == address)
  }

  @Test(
    "anything else is no address: zones, short forms, other bases, text around it",
    arguments: [
      "", " ", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "01.2.3.4", "0x1.2.3.4", "16909060", "1.2.3.4 ",
      " 1.2.3.4",
      "1.2.3.4/24", "1.2.3.4:80", "fe80::1%eth0", "fe80::1%1", "fe80::1%", "[::1]", ":::", "1::2::3", "::12345", "::g",
      "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1/64", "::1.2.3.256", "localhost", "1.2.3.4\0", "1.2.3.4\0.5", "::1\0%x",
    ])
  func badText(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test("octets stand in wire order, in both families")
  func octets() throws {
    #expect(try #require(IPAddress("192.0.2.1")).octets == [192, 0, 2, 1])
    #expect(IPAddress(ipv4: 0xC000_0201) == IPAddress("192.0.2.1"))
    let six = try #require(IPAddress("102:304:506:708:90a:b0c:d0e:f10"))
    #expect(six.octets == Array(1...16))
    #expect(six == IPAddress(ipv6High: 0x0102_0304_0506_0708, low: 0x090A_0B0C_0D0E_0F10))
  }

  @Test("an IPv4 address and the IPv6 address with the same bits are two")
  func families() {
    #expect(IPAddress(ipv4: 1) != IPAddress(ipv6High: 0, low: 1))
    #expect(IPAddress("1.2.3.4") != IPAddress("::ffff:1.2.3.4"))
  }

  @Test("each class of addresses ends where its prefix ends")
  func classes() throws {
    func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
    for text in ["224.0.0.0", "239.255.255.255", "ff00::", "ff02::1"] { #expect(try address(text).isMulticast) }
    for text in ["223.255.255.255", "240.0.0.0", "feff::", "::ff00"] { #expect(try !address(text).isMulticast) }
    for text in ["127.0.0.0", "127.255.255.255", "::1"] { #expect(try address(text).isLoopback) }
    for text in ["126.255.255.255", "128.0.0.0", "::2", "::", "1::1"] { #expect(try !address(text).isLoopback) }
    for text in ["fe80::", "febf:ffff::1"] { #expect(try address(text).isIPv6LinkLocal) }
    for text in ["fe7f::1", "fec0::", "169.254.0.1"] { #expect(try !address(text).isIPv6LinkLocal) }
    for text in ["0.0.0.0", "::"] { #expect(try address(text).isUnspecified) }
    for text in ["0.0.0.1", "::1", "1::"] { #expect(try !address(text).isUnspecified) }
  }

  @Test("an endpoint of IPv6 has its address in brackets")
  func endpoint() throws {
    let four = Endpoint(address: try #require(IPAddress("192.0.2.1")), udpPort: 4789)
    let six = Endpoint(address: try #require(IPAddress("2001:DB8::1")), udpPort: 65535)
    #expect(four.description == "192.0.2.1:4789" && six.description == "[2001:db8::1]:65535")
    #expect(four != Endpoint(address: four.address, udpPort: 4790))
  }
}

@Suite("IPPrefix")
struct IPPrefixTests {
  @Test(
    "the longest prefix of each family is read, one more is refused",
    arguments: [
      ("10.42.0.1", 32), ("2001:db8::1", 128),
    ])
  func bounds(address: String, longest: Int) throws {
    for length in [0, 1, longest] {
      let prefix = try #require(IPPrefix("\(address)/\(length)"))
      #expect(prefix.address == IPAddress(address) && Int(prefix.length) == length)
      #expect(prefix.description == "\(address)/\(length)")
    }
    #expect(IPPrefix("\(address)/\(longest + 1)") == nil)
    #expect(IPPrefix("\(address)/-1") == nil)
  }

  @Test(
    "anything but ADDRESS/LENGTH is refused",
    arguments: [
      "", "/", "10.0.0.1", "10.0.0.1/", "/24", "10.0.0.1/24/", "10.0.0.1/24/1",
      "10.0.0.1/+24", "10.0.0.1/ 24", "10.0.0.1 /24",
      "10.0.0.1/256", "10.0.0.1/99999999999999999999", "10.0.0.1/255.255.255.0", "10.0.0.1/２４", "10.0.0/24",
      "fe80::1%eth0/64", "10.0.0.1/24\0", "10.0.0.1\0/24",
    ])
  func badText(text: String) {
    #expect(IPPrefix(text) == nil)
  }
}
