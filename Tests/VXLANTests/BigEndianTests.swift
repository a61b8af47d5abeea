import Testing
import VXLAN

@Suite("Span+BigEndian")
struct BigEndianTests {
  @Test("numbers are read most significant byte first, at every offset up to the last that fits")
  func reading() {
    let bytes: [UInt8] = [0x80, 1, 2, 3, 4, 5, 6, 7, 0xFF]
    #expect(bytes.bigEndian16(at: 0) == 0x8001 && bytes.bigEndian16(at: 7) == 0x07FF)
    #expect(bytes.bigEndian32(at: 0) == 0x8001_0203 && bytes.bigEndian32(at: 5) == 0x0506_07FF)
    #expect(bytes.bigEndian64(at: 0) == 0x8001_0203_0405_0607)
    #expect(bytes.bigEndian64(at: 1) == 0x0102_0304_0506_07FF)
  }

  @Test("writing changes its own bytes and no other")
  func writing() {
    let fill = [UInt8](repeating: 0xA5, count: 8)
    for offset in 0...6 {
      var bytes = fill
      var span = bytes.mutableSpan
      span.setBigEndian16(0x1234, at: offset)
      #expect(bytes == fill[..<offset] + [0x12, 0x34] + fill[(offset + 2)...])
    }
    for offset in 0...4 {
      var bytes = fill
      var span = bytes.mutableSpan
      span.setBigEndian32(0xDEAD_BEEF, at: offset)
      #expect(bytes == fill[..<offset] + [0xDE, 0xAD, 0xBE, 0xEF] + fill[(offset + 4)...])
    }
  }
}
