import Testing
import VXLAN

@Suite("VXLANHeader")
struct VXLANHeaderTests {
  private func parse(_ bytes: [UInt8]) throws -> VXLANHeader { try #require(VXLANHeader(parsing: bytes)) }

  /// The 64 bits of a header; bit 0 is the first on the wire.
  private func header(withBits bits: [Int]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 8)
    for bit in bits { bytes[bit / 8] |= 0x80 >> UInt8(bit % 8) }
    return bytes
  }

  @Test("a header is 8 bytes: 0 to 7 are refused, 8 and more are read")
  func lengths() {
    let bytes: [UInt8] = [8, 0, 0, 0, 0, 0, 42, 0, 0xFF, 0xFF]
    for count in 0...10 {
      let header = VXLANHeader(parsing: Array(bytes.prefix(count)))
      #expect((header != nil) == (count >= 8), "\(count) bytes")
    }
    #expect(VXLANHeader.byteCount == 8)
  }

  @Test("the I flag is the fifth bit, and no other bit is it")
  func flag() throws {
    for bit in 0..<64 { #expect(try parse(header(withBits: [bit])).hasVNIFlag == (bit == 4), "bit \(bit)") }
  }

  @Test("each of the 39 reserved bits alone is seen, and none of the other 25 is one")
  func reservedBits() throws {
    let reserved = (0..<64).filter { $0 != 4 && !(32..<56).contains($0) }
    #expect(reserved.count == 39)
    for bit in 0..<64 {
      #expect(try parse(header(withBits: [bit])).hasReservedBits == reserved.contains(bit), "bit \(bit) alone")
      #expect(try parse(header(withBits: [4, bit])).hasReservedBits == reserved.contains(bit), "bit \(bit) with I")
    }
    #expect(try !parse(header(withBits: [4] + Array(32..<56))).hasReservedBits)
    #expect(try parse([UInt8](repeating: 0xFF, count: 8)).hasReservedBits)
  }

  @Test(
    "the VNI is read without its neighbours and written as RFC 7348 draws it",
    arguments: [
      (0, [0, 0, 0]), (1, [0, 0, 1]), (255, [0, 0, 255]), (256, [0, 1, 0]), (0x12_3456, [0x12, 0x34, 0x56]),
      (0x80_0000, [0x80, 0, 0]), (0xFF_FFFF, [255, 255, 255]),
    ] as [(Int, [UInt8])])
  func vni(number: Int, octets: [UInt8]) throws {
    let vni = try #require(VNI(number))
    #expect(try parse([8, 0, 0, 0] + octets + [0]).vni == vni)
    // Reserved bits all set do not leak into it.
    #expect(try parse([0xFF, 0xFF, 0xFF, 0xFF] + octets + [0xFF]).vni == vni)

    var bytes = [UInt8](repeating: 0xA5, count: 16)
    var span = bytes.mutableSpan
    VXLANHeader(vni: vni).write(to: &span)
    #expect(bytes == [8, 0, 0, 0] + octets + [0] + [UInt8](repeating: 0xA5, count: 8))
    let back = try parse(bytes)
    #expect(back == VXLANHeader(vni: vni) && back.hasVNIFlag && !back.hasReservedBits)
  }
}
