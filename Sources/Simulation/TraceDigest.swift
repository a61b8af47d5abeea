/// One number for all that was on the wires and came out of the TAPs of a run, in order. Two runs that differ in a byte
/// have different ones, but for chance.
package struct TraceDigest: Equatable, Sendable, CustomStringConvertible {
  private var state: UInt64 = 0x6A09_E667_F3BC_C908

  mutating func add(_ word: UInt64) {
    state = (state ^ word) &* 0x9E37_79B9_7F4A_7C15
    state ^= state &>> 31
  }

  mutating func add(_ bytes: [UInt8]) {
    add(UInt64(bytes.count))
    let span = bytes.span
    let wholeCount = span.count & ~7
    for offset in stride(from: 0, to: wholeCount, by: 8) { add(span.bigEndian64(at: offset)) }
    for index in wholeCount..<span.count { add(UInt64(span[index])) }
  }

  package var description: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
