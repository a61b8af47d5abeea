// HOT: every datagram that leaves a sealed segment. No allocation, no reference, no lock.
import Synchronization
import VXLAN

/// One lane of a `SealingKey`, as the thread uses it that owns the lane: a few pointers, valid while the key lives.
///
/// 1. Take a counter: one, or as many as a run has datagrams. None left: nothing is sent, ever, under this key.
/// 2. Write the header, 16 bytes.
/// 3. Encrypt the frame behind it, header authenticated with it, and write the tag behind the frame. Where the cipher
///    fails nothing is left of the datagram.
package struct Sealer {
  static let counterStride = 64

  package let cipher: Cipher
  // SAFETY: both point into what the key owns; nobody else writes the counter.
  let preparedKey: UnsafeMutableRawPointer
  let counter: UnsafeMutablePointer<Atomic<UInt64>>
  /// Lane and index.
  let base: SealedHeader.Word

  /// Bytes that sealing adds to a frame: header and tag.
  @inline(__always)
  package var overheadByteCount: Int { SealedHeader.byteCount &+ cipher.tagByteCount }

  /// Datagrams of equal size behind each other, of which the last may be shorter: what one UDP_SEGMENT send takes.
  package struct Run {
    /// The first datagram's header. The frames lie 16 bytes behind the headers; behind each there is room for the tag.
    package var start: UnsafeMutableRawPointer
    package var count: Int
    /// Bytes of each frame but the last, and of the last: 1 at least.
    package var frameByteCount: Int
    package var lastFrameByteCount: Int

    package init(start: UnsafeMutableRawPointer, count: Int, frameByteCount: Int, lastFrameByteCount: Int) {
      self.start = start
      self.count = count
      self.frameByteCount = frameByteCount
      self.lastFrameByteCount = lastFrameByteCount
    }
  }

  /// Seals `byteCount` bytes from `plaintext` into the datagram at `datagram`, which has room for `overheadByteCount`
  /// more. `plaintext` is elsewhere, or the 17th byte of `datagram`. Returns the datagram's size; 0 means that no
  /// counter is left, or that the cipher failed: then the datagram is zero.
  /// - Parameter prefix: the header's first half, `SealedHeader.prefix(kind:vni:)`.
  @inline(__always)
  package func seal(
    _ plaintext: UnsafeRawPointer, byteCount: Int, prefix: UInt64, into datagram: UnsafeMutableRawPointer
  ) -> Int {
    guard let counter = take(1) else { return 0 }
    guard write(plaintext, byteCount: byteCount, prefix: prefix, counter: counter, into: datagram) else {
      Self.erase(datagram, byteCount: byteCount &+ overheadByteCount)
      return 0
    }
    return byteCount &+ overheadByteCount
  }

  /// Seals the datagrams of a run in place. False, and nothing written, when there are not enough counters left; false,
  /// and all of them zero, when the cipher failed.
  package func seal(_ run: Run, prefix: UInt64) -> Bool {
    precondition(run.count > 0 && run.frameByteCount >= run.lastFrameByteCount && run.lastFrameByteCount > 0)
    guard let first = take(run.count) else { return false }
    var datagram = run.start
    let stride = run.frameByteCount &+ overheadByteCount
    for index in 0..<run.count {
      let byteCount = index &+ 1 == run.count ? run.lastFrameByteCount : run.frameByteCount
      let isSealed = write(
        datagram + SealedHeader.byteCount, byteCount: byteCount, prefix: prefix,
        counter: first &+ UInt64(truncatingIfNeeded: index), into: datagram)
      guard isSealed else {
        Self.erase(run.start, byteCount: (run.count &- 1) &* stride &+ run.lastFrameByteCount &+ overheadByteCount)
        return false
      }
      datagram += stride
    }
    return true
  }

  /// Whether so many counters are left. Still true when this thread asks for them next.
  @inline(__always)
  package func hasCounters(for count: Int) -> Bool {
    counter.pointee.load(ordering: .relaxed) &+ UInt64(truncatingIfNeeded: count) <= SealingKey.counterLimit
  }

  // COLD: a cipher fails on no host that passed its self-test.
  @inline(never)
  private static func erase(_ bytes: UnsafeMutableRawPointer, byteCount: Int) {
    // SAFETY: what `seal` was about to write, or wrote.
    bytes.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }

  /// The first of `count` counters that nobody else gets.
  @inline(__always)
  private func take(_ count: Int) -> UInt64? {
    let first = counter.pointee.load(ordering: .relaxed)
    let next = first &+ UInt64(truncatingIfNeeded: count)
    guard next <= SealingKey.counterLimit else { return nil }
    counter.pointee.store(next, ordering: .relaxed)
    return first
  }

  @inline(__always)
  private func write(
    _ plaintext: UnsafeRawPointer, byteCount: Int, prefix: UInt64, counter: UInt64,
    into datagram: UnsafeMutableRawPointer
  ) -> Bool {
    let word = SealedHeader.Word(rawValue: base.rawValue | counter)
    datagram.storeBytes(of: prefix.bigEndian, as: UInt64.self)
    datagram.storeBytes(of: word.rawValue.bigEndian, toByteOffset: 8, as: UInt64.self)
    let header = datagram.assumingMemoryBound(to: UInt8.self)
    return cipher.seal(
      plaintext.assumingMemoryBound(to: UInt8.self), byteCount: byteCount, to: header + SealedHeader.byteCount,
      additional: UnsafePointer(header), additionalByteCount: SealedHeader.byteCount, nonce: Nonce(word),
      preparedKey: preparedKey)
  }
}
