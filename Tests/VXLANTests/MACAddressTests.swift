import Testing
import VXLAN

@Suite("MACAddress")
struct MACAddressTests {
  @Test(
    "colons and hyphens, in either case, are read; the text is lower case with colons",
    arguments: [
      "02:00:ab:CD:ef:2a", "02-00-AB-cd-EF-2A",
    ])
  func text(text: String) throws {
    let mac = try #require(MACAddress(text))
    #expect(mac.rawValue == 0x0200_abcd_ef2a)
    #expect(mac.description == "02:00:ab:cd:ef:2a")
    #expect(mac.octets == [0x02, 0x00, 0xab, 0xcd, 0xef, 0x2a])
  }

  @Test(
    "anything else is no address",
    arguments: [
      "", ":", "02:00:00:00:00", "02:00:00:00:00:00:00", "02:00:00:00:00:", ":02:00:00:00:00:00", "02:00:00:00:00:0",
      "2:0:0:0:0:1", "02:00:00:00:00:001", "02:00:00:00:00:0g", "02:00:00:00:00:+1", "02:00:00:00:00:-1",
      "020000000001",
      "0200.0000.0001", "02:00:00-00:00:01", "02-00:00-00:00-01", " 02:00:00:00:00:01", "02:00:00:00:00:01\n",
      "02:00:00:00:00:０1", "02:00:00:00:00:a\u{301}", "02::00:00:00:01", "0x:00:00:00:00:01", "02:00:00:00:00:01\0",
    ])
  func badText(text: String) {
    #expect(MACAddress(text) == nil)
  }

  @Test("only the low 48 bits of a number count")
  func truncation() {
    #expect(MACAddress(rawValue: .max) == .broadcast)
    #expect(MACAddress(rawValue: 0xFFFF_0000_0000_0000) == .zero)
  }

  @Test("the group bit, and only that, makes an address multicast")
  func multicast() {
    for bit in 0..<48 { #expect(MACAddress(rawValue: 1 << UInt64(bit)).isMulticast == (bit == 40)) }
    #expect(MACAddress.broadcast.isMulticast && MACAddress.broadcast.isBroadcast)
    #expect(!MACAddress(rawValue: 0xFFFF_FFFF_FFFE).isBroadcast)
  }

  @Test("a source is neither a group, nor broadcast, nor zero")
  func source() throws {
    #expect(!MACAddress.zero.isValidSource && MACAddress.zero.isZero)
    #expect(!MACAddress.broadcast.isValidSource)
    #expect(try !#require(MACAddress("01:00:5e:00:00:01")).isValidSource)
    #expect(try !#require(MACAddress("33:33:00:00:00:01")).isValidSource)
    #expect(MACAddress(rawValue: 1).isValidSource && !MACAddress(rawValue: 1).isZero)
    #expect(try #require(MACAddress("fe:ff:ff:ff:ff:ff")).isValidSource)
  }
}
