import Testing
import VXLAN

@Suite("VNI")
struct VNITests {
  @Test("0 and 2^24 - 1 are identifiers, -1 and 2^24 are none")
  func bounds() {
    #expect(VNI(0)?.rawValue == 0)
    #expect(VNI(-1) == nil)
    #expect(VNI(16_777_215)?.rawValue == 0xFF_FFFF)
    #expect(VNI(16_777_216) == nil)
    #expect(VNI.maximum == VNI(16_777_215))
  }

  @Test("numbers far outside are refused, of whatever type")
  func extremes() {
    #expect(VNI(Int.min) == nil)
    #expect(VNI(Int.max) == nil)
    #expect(VNI(UInt64.max) == nil)
    // 2^32 + 42 would be 42 if it were cut.
    #expect(VNI(UInt64(1) << 32 | 42) == nil)
    #expect(VNI(UInt8(255))?.rawValue == 255)
  }

  @Test("identifiers are ordered as numbers and written as decimals")
  func order() throws {
    let nine = try #require(VNI(9))
    let ten = try #require(VNI(10))
    #expect(nine < ten && !(ten < nine) && !(ten < ten))
    #expect(ten.description == "10" && VNI.maximum.description == "16777215")
  }
}
