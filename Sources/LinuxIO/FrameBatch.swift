/// Frames read from one TAP, packed one behind the other into memory that the batch owns.
///
/// Each begins with a cache line, and has the bytes of a `VirtioNetHeader` free in front of it.
/// Filled by a port and emptied by the data path, on one thread.
package struct FrameBatch: ~Copyable {
  /// One frame of the batch.
  package struct Frame {
    /// The first byte of the frame. Valid until the batch is cleared.
    package var start: UnsafeMutablePointer<UInt8>
    package var byteCount: Int
    package var offload: VirtioNetHeader

    package init(start: UnsafeMutablePointer<UInt8>, byteCount: Int, offload: VirtioNetHeader) {
      self.start = start
      self.byteCount = byteCount
      self.offload = offload
    }
  }

  package static let memoryByteCount = Limits.frameBatchByteCount

  private let owner: BatchMemory
  private let memory: UnsafeMutablePointer<UInt8>
  private let frames: UnsafeMutablePointer<Frame>
  private var usedByteCount = Limits.cacheLineByteCount
  /// Of all frames, in bytes.
  package private(set) var byteCount = 0
  package private(set) var count = 0

  /// - Parameter memory: where `memoryByteCount` bytes are free.
  package init(in memory: BatchMemory = BatchMemory(pieces: [memoryByteCount])) {
    // SAFETY: both last until `deinit`, and are indexed below their capacity only.
    owner = memory
    self.memory = memory.take(Self.memoryByteCount)
    frames = .allocate(capacity: Limits.framesPerBatch)
  }

  deinit {
    frames.deallocate()
  }

  /// Forgets all frames; their memory is used again.
  package mutating func clear() {
    count = 0
    usedByteCount = Limits.cacheLineByteCount
    byteCount = 0
  }

  /// Whether one more frame of any length fits, and is wanted.
  package var hasRoom: Bool {
    count < Limits.framesPerBatch && byteCount < Limits.frameBatchByteCountEnough
  }

  /// Where the next frame is to be read to: `Limits.frameByteCountMax` bytes, and a `VirtioNetHeader` in front of them.
  /// Only while `hasRoom`.
  package mutating func nextStart() -> UnsafeMutablePointer<UInt8> {
    precondition(hasRoom)
    return memory + usedByteCount
  }

  /// Adds the frame that was read to `nextStart()`.
  package mutating func append(byteCount: Int, offload: VirtioNetHeader) {
    precondition(byteCount <= Limits.frameByteCountMax)
    frames[count] = Frame(start: nextStart(), byteCount: byteCount, offload: offload)
    count += 1
    self.byteCount += byteCount
    let toNext = byteCount + VirtioNetHeader.byteCount + Limits.cacheLineByteCount - 1
    usedByteCount += toNext & ~(Limits.cacheLineByteCount - 1)
  }

  package subscript(index: Int) -> Frame {
    precondition(index < count)
    return frames[index]
  }
}
