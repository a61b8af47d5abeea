import Testing
import TestKit
import VXLAN

@Suite("EthernetHeader")
struct EthernetHeaderTests {
  @Test("a header is 14 bytes: 13 are refused, 14 are read")
  func lengths() {
    let bytes = Array(UInt8(1)...20)
    for count in 0...20 {
      #expect((EthernetHeader(parsing: Array(bytes.prefix(count))) != nil) == (count >= 14), "\(count) bytes")
    }
  }

  @Test("destination, source and EtherType stand in this order, most significant first")
  func fields() throws {
    let header = try #require(EthernetHeader(parsing: Array(UInt8(1)...14)))
    #expect(header.destination == MACAddress(rawValue: 0x0102_0304_0506))
    #expect(header.source == MACAddress(rawValue: 0x0708_090A_0B0C))
    #expect(header.etherType == 0x0D0E)
  }

  @Test("customer and service tags are tags, their neighbours and QinQ's old numbers are none")
  func tags() throws {
    for etherType: UInt16 in [0x8100, 0x88A8] {
      let frame = Frames.ethernet(to: .station(1), from: .station(2), etherType: etherType)
      #expect(try #require(EthernetHeader(parsing: frame)).isTagged)
    }
    for etherType: UInt16 in [0, 0x0800, 0x0806, 0x80FF, 0x8101, 0x86DD, 0x88A7, 0x88A9, 0x9100, 0xFFFF] {
      #expect(!EthernetHeader.isTag(etherType))
    }
  }
}
