import Testing

@testable import LinuxIO

@Suite("FrameBatch")
struct FrameBatchTests {
  /// Adds a frame of `byteCount` bytes that all are `byte`, as a TAP does.
  private func append(_ byteCount: Int, of byte: UInt8, to batch: inout FrameBatch) {
    batch.nextStart().initialize(repeating: byte, count: byteCount)
    batch.append(byteCount: byteCount, offload: VirtioNetHeader())
  }

  @Test("frames keep their bytes, whatever the lengths of their neighbours, and begin cache lines apart")
  func packing() {
    var batch = FrameBatch()
    let lengths = [60, 1, 64, 1514, 65, 9014, 14]
    for (index, length) in lengths.enumerated() { append(length, of: UInt8(index), to: &batch) }
    let count = batch.count
    let first = batch[0].start
    #expect(count == lengths.count)
    for index in lengths.indices {
      let distance = batch[index].start - first
      #expect(distance % 64 == 0)
    }
    for (index, length) in lengths.enumerated() {
      let frame = batch[index]
      #expect(frame.byteCount == length)
      #expect(UnsafeBufferPointer(start: frame.start, count: length).allSatisfy { $0 == UInt8(index) })
    }
  }

  @Test("a frame begins with a cache line, and ten bytes in front of it belong to none")
  func headroom() {
    var batch = FrameBatch()
    let lengths = [54, 55, 64, 118, 1514]
    for (index, length) in lengths.enumerated() {
      (batch.nextStart() - 10).initialize(repeating: 0xFF, count: 10)
      append(length, of: UInt8(index), to: &batch)
    }
    for (index, length) in lengths.enumerated() {
      let frame = batch[index]
      #expect(UnsafeBufferPointer(start: frame.start, count: length).allSatisfy { $0 == UInt8(index) })
    }
  }

  @Test("64 frames of 900 bytes fit, and then there is no room until the batch is cleared")
  func frameCount() {
    var batch = FrameBatch()
    for index in 0..<64 {
      let hasRoom = batch.hasRoom
      #expect(hasRoom, "frame \(index)")
      append(900, of: 1, to: &batch)
    }
    var hasRoom = batch.hasRoom
    #expect(!hasRoom)
    let first = batch[0].start
    batch.clear()
    hasRoom = batch.hasRoom
    let count = batch.count
    #expect(hasRoom && count == 0)
    append(1, of: 2, to: &batch)
    let again = batch[0].start
    #expect(again == first)
  }

  @Test("a frame of the longest kind fills the batch, also behind smaller ones")
  func longestFrames() {
    var batch = FrameBatch()
    var count = 0
    while batch.hasRoom {
      append(Limits.frameByteCountMax, of: UInt8(count), to: &batch)
      count += 1
    }
    #expect(count == 1)
    for index in 0..<count {
      let frame = batch[index]
      #expect(UnsafeBufferPointer(start: frame.start, count: frame.byteCount).allSatisfy { $0 == UInt8(index) })
    }
  }

  @Test("63 frames of 951 bytes, each rounded up the most, and then one of the longest kind end within the memory")
  func worstCase() {
    let memory = BatchMemory(pieces: [FrameBatch.memoryByteCount, 64])
    var batch = FrameBatch(in: memory)
    let behind = memory.take(64)
    behind.initialize(repeating: 0xA5, count: 64)
    for index in 0..<63 { append(951, of: UInt8(index), to: &batch) }
    let hasRoom = batch.hasRoom
    let byteCount = batch.byteCount
    #expect(hasRoom && byteCount == 59_913)
    append(Limits.frameByteCountMax, of: 0xFF, to: &batch)
    let end = batch[63].start + batch[63].byteCount
    #expect(end <= behind)
    for index in 0..<63 {
      let frame = batch[index]
      #expect(UnsafeBufferPointer(start: frame.start, count: 951).allSatisfy { $0 == UInt8(index) })
    }
    #expect(UnsafeBufferPointer(start: behind, count: 64).allSatisfy { $0 == 0xA5 })
  }

  @Test("what the kernel said of a frame stays with it")
  func offload() {
    var batch = FrameBatch()
    var header = VirtioNetHeader()
    header.gsoType = 1
    _ = batch.nextStart()
    batch.append(byteCount: 14, offload: header)
    let offload = batch[0].offload
    #expect(offload == header && offload.isSuperframe && !VirtioNetHeader().isSuperframe)
    header = VirtioNetHeader()
    header.flags = 1
    #expect(header.wantsChecksum)
    header.flags = 2
    #expect(!header.wantsChecksum)
    #expect(MemoryLayout<VirtioNetHeader>.size == VirtioNetHeader.byteCount)
  }
}
