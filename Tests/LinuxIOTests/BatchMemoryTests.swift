import Glibc
import Testing

@testable import LinuxIO

@Suite("BatchMemory")
struct BatchMemoryTests {
  @Test(
    "pieces begin with cache lines, do not overlap and can be written to the last byte",
    arguments: [(1, false), (600_000, false), (1, true), (600_000, true), (1 << 21, true)])
  func pieces(byteCount: Int, wantsHugePages: Bool) {
    let sizes = [byteCount, 65, byteCount + 1, 64]
    let memory = BatchMemory(pieces: sizes, wantsHugePages: wantsHugePages)
    let starts = sizes.map { memory.take($0) }
    if wantsHugePages { #expect(UInt(bitPattern: starts[0]) % UInt(BatchMemory.hugePageByteCount) == 0) }
    for (index, start) in starts.enumerated() {
      start.initialize(repeating: UInt8(index), count: sizes[index])
      #expect(UInt(bitPattern: start) % 64 == 0)
    }
    for (index, start) in starts.enumerated() {
      #expect(memcmp(start, [UInt8](repeating: UInt8(index), count: sizes[index]), sizes[index]) == 0)
    }
    withExtendedLifetime(memory) {}
  }
}
