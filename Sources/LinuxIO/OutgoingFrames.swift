import Glibc

/// Frames on their way into TAPs, in order: pointers into memory that somebody else keeps until they are written.
package struct OutgoingFrames: ~Copyable {
  /// One frame, and after the writing what came of it.
  package struct Frame {
    package var start: UnsafeMutablePointer<UInt8>
    package var byteCount: Int
    /// The segment's slot, which names the TAP.
    package var segment: Int
    /// The slot of the peer that it came from.
    package var peer: Int
    /// 0, or what the write answered, as `errno`.
    package var failure: Int32 = 0

    /// A frame that has not been written.
    package init(start: UnsafeMutablePointer<UInt8>, byteCount: Int, segment: Int, peer: Int) {
      self.start = start
      self.byteCount = byteCount
      self.segment = segment
      self.peer = peer
    }
  }

  private let frames: UnsafeMutablePointer<Frame>
  package let capacity: Int
  package private(set) var count = 0

  package init(capacity: Int) {
    // SAFETY: owned until `deinit`, indexed below `count` only.
    self.frames = .allocate(capacity: capacity)
    self.capacity = capacity
  }

  deinit { frames.deallocate() }

  package var hasRoom: Bool { count < capacity }

  package mutating func clear() { count = 0 }

  /// Adds a frame; only while `hasRoom`.
  package mutating func append(_ frame: Frame) {
    precondition(count < capacity)
    frames[count] = frame
    count += 1
  }

  package subscript(index: Int) -> Frame {
    precondition(index < count)
    return frames[index]
  }

  /// Notes what became of a frame: 0 or an `errno`.
  package mutating func setFailure(_ failure: Int32, at index: Int) {
    precondition(index < count)
    frames[index].failure = failure
  }
}
