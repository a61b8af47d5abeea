import Glibc

/// Frames on their way into TAPs, in order: pointers into memory that somebody else keeps until they are written.
///
/// One write takes one frame, or a superframe: the headers and payload of the first frame of a run, and the payloads of
/// the others. Its vectors lie behind each other; the first is the virtio-net header, which this value keeps.
package struct OutgoingFrames: ~Copyable {
  /// One write, and after the writing what came of it.
  package struct Write {
    package var header: VirtioNetHeader
    var firstVector: Int
    package internal(set) var vectorCount: Int
    /// The first byte of the first frame.
    package var start: UnsafeMutablePointer<UInt8>
    /// Frames that it stands for.
    package var frameCount = 1
    /// Bytes of these frames.
    package var byteCount: Int
    /// The segment's slot, which names the TAP.
    package var segment: Int
    /// The slot of the peer that it came from.
    package var peer: Int
    /// 0, or what the write answered, as `errno`.
    package var failure: Int32 = 0
  }

  private let writes: UnsafeMutablePointer<Write>
  private let vectors: UnsafeMutablePointer<iovec>
  private let capacity: Int
  private let vectorCapacity: Int
  private var vectorCount = 0
  package private(set) var count = 0

  /// - Parameter capacity: frames at most, each alone or as part of a superframe.
  package init(capacity: Int) {
    // SAFETY: both are owned until `deinit`, and indexed below the counts only.
    self.capacity = capacity
    self.vectorCapacity = 2 * capacity
    self.writes = .allocate(capacity: capacity)
    self.vectors = .allocate(capacity: 2 * capacity)
  }

  deinit {
    writes.deallocate()
    vectors.deallocate()
  }

  package mutating func clear() {
    count = 0
    vectorCount = 0
  }

  /// Whether one more frame fits.
  package var hasRoom: Bool { count < capacity && vectorCount + 2 <= vectorCapacity }

  /// Adds a write of one frame; only while `hasRoom`.
  package mutating func append(start: UnsafeMutablePointer<UInt8>, byteCount: Int, segment: Int, peer: Int) {
    precondition(hasRoom)
    let write = writes + count
    write.initialize(
      to: Write(
        header: VirtioNetHeader(), firstVector: vectorCount, vectorCount: 2, start: start, byteCount: byteCount,
        segment: segment, peer: peer))
    // SAFETY: the header lies in `writes`, which does not move; 10 bytes without padding.
    vectors[vectorCount] = iovec(
      iov_base: UnsafeMutableRawPointer(write), iov_len: VirtioNetHeader.byteCount)
    vectors[vectorCount + 1] = iovec(iov_base: start, iov_len: byteCount)
    vectorCount &+= 2
    count &+= 1
  }

  /// Adds the payload of one more frame to the last write; only while `hasRoom`.
  package mutating func extendLast(payload: UnsafeMutablePointer<UInt8>, byteCount: Int, frameByteCount: Int) {
    precondition(count > 0 && hasRoom)
    vectors[vectorCount] = iovec(iov_base: payload, iov_len: byteCount)
    vectorCount &+= 1
    let write = writes + (count &- 1)
    write.pointee.vectorCount &+= 1
    write.pointee.frameCount &+= 1
    write.pointee.byteCount &+= frameByteCount
  }

  /// Where the vectors of further payloads for the last write belong, as many as there is room for; see
  /// `extendLast(payloadCount:frameByteCount:)`.
  package var freeVectors: UnsafeMutableBufferPointer<iovec> {
    UnsafeMutableBufferPointer(start: vectors + vectorCount, count: max(0, vectorCapacity - vectorCount - 2))
  }

  /// Adds to the last write the payloads of `payloadCount` more frames, whose vectors `freeVectors` was given.
  /// - Parameter frameByteCount: of all these frames, headers among them.
  package mutating func extendLast(payloadCount: Int, frameByteCount: Int) {
    precondition(count > 0 && payloadCount <= freeVectors.count)
    vectorCount &+= payloadCount
    let write = writes + (count &- 1)
    write.pointee.vectorCount &+= payloadCount
    write.pointee.frameCount &+= payloadCount
    write.pointee.byteCount &+= frameByteCount
  }

  package subscript(index: Int) -> Write {
    precondition(index < count)
    return writes[index]
  }

  /// The virtio-net header of the last write, for the one who makes it a superframe.
  package mutating func setLastHeader(_ header: VirtioNetHeader) {
    precondition(count > 0)
    writes[count &- 1].header = header
  }

  /// The vectors of a write, the virtio-net header first. Valid until the list changes.
  package func vectors(at index: Int) -> UnsafeMutableBufferPointer<iovec> {
    precondition(index < count)
    return UnsafeMutableBufferPointer(
      start: vectors + writes[index].firstVector, count: writes[index].vectorCount)
  }

  /// Notes what became of a write: 0 or an `errno`.
  package mutating func setFailure(_ failure: Int32, at index: Int) {
    precondition(index < count)
    writes[index].failure = failure
  }
}
