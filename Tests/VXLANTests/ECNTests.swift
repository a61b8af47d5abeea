import Testing
import VXLAN

@Suite("ECN")
struct ECNTests {
  @Test(
    "the codepoint is in the two lowest bits, whatever the DSCP",
    arguments: [
      (0, ECN.notECT), (1, .ect1), (2, .ect0), (3, .ce),
    ] as [(UInt8, ECN)])
  func codepoint(bits: UInt8, ecn: ECN) {
    for dscp: UInt8 in 0..<64 { #expect(ECN(trafficClass: dscp << 2 | bits) == ecn) }
    #expect(ecn.rawValue == bits)
  }

  /// RFC 6040, figure 4, row by row: inner, outer, what goes on. Nil is <drop>.
  private static let figure4: [(ECN, ECN, ECN?)] = [
    (.notECT, .notECT, .notECT), (.notECT, .ect0, .notECT), (.notECT, .ect1, .notECT), (.notECT, .ce, nil),
    (.ect0, .notECT, .ect0), (.ect0, .ect0, .ect0), (.ect0, .ect1, .ect1), (.ect0, .ce, .ce),
    (.ect1, .notECT, .ect1), (.ect1, .ect0, .ect1), (.ect1, .ect1, .ect1), (.ect1, .ce, .ce),
    (.ce, .notECT, .ce), (.ce, .ect0, .ce), (.ce, .ect1, .ce), (.ce, .ce, .ce),
  ]

  @Test("decapsulation does what figure 4 of RFC 6040 says", arguments: figure4)
  func decapsulation(inner: ECN, outer: ECN, result: ECN?) {
    #expect(ECN.decapsulated(inner: inner, outer: outer) == result)
  }

  @Test("the table above has all 16 pairs")
  func complete() {
    #expect(Set(Self.figure4.map { $0.0.rawValue << 2 | $0.1.rawValue }).count == 16)
  }
}
