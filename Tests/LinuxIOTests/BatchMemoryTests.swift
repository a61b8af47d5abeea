import Testing

@testable import LinuxIO

@Suite("BatchMemory")
struct BatchMemoryTests {
  @Test("pieces begin with cache lines, do not overlap and can be written to the last byte", arguments: [1, 400_000])
  func pieces(byteCount: Int) {
    let sizes = [byteCount, 65, byteCount + 1, 64]
    let memory = BatchMemory(pieces: sizes)
    let starts = sizes.map { memory.take($0) }
    for (index, start) in starts.enumerated() {
      start.initialize(repeating: UInt8(index), count: sizes[index])
      #expect(UInt(bitPattern: start) % 64 == 0)
    }
    for (index, start) in starts.enumerated() {
      #expect(UnsafeBufferPointer(start: start, count: sizes[index]).allSatisfy { $0 == UInt8(index) })
    }
    withExtendedLifetime(memory) {}
  }
}
