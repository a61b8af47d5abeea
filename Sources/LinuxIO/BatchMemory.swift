import Glibc

/// Memory for the batches of one worker, in one piece, which the kernel backs with huge pages where it is asked to and
/// has some.
///
/// The kernel copies every byte of the traffic from or to this memory, page by page. A huge page is resident as a whole
/// with the first byte that is touched: each worker's piece then takes 2 MB, although its batches use little more than
/// half. Without huge pages it works the same.
/// - SeeAlso: madvise(2), MADV_HUGEPAGE.
package final class BatchMemory {
  static let hugePageByteCount = 2 << 20

  // SAFETY: owned from `init` to `deinit`; handed out piece by piece below `byteCount`.
  private let base: UnsafeMutableRawPointer
  private let byteCount: Int
  private var usedByteCount = 0

  /// Room for pieces of these sizes, in bytes; each is rounded up to whole cache lines.
  /// - Parameter wantsHugePages: the whole begins with a huge page and is rounded up to whole ones.
  package init(pieces: [Int], wantsHugePages: Bool = false) {
    byteCount = pieces.map(Self.rounded).reduce(0, +)
    let capacity =
      wantsHugePages ? (byteCount + Self.hugePageByteCount - 1) & ~(Self.hugePageByteCount - 1) : byteCount
    base = .allocate(
      byteCount: capacity, alignment: wantsHugePages ? Self.hugePageByteCount : Limits.cacheLineByteCount)
    // That the kernel has none, or gives none now, costs time only.
    if wantsHugePages { _ = madvise(base, capacity, MADV_HUGEPAGE) }
  }

  deinit {
    base.deallocate()
  }

  /// The next piece, of `byteCount` bytes, uninitialised: valid while this object lives.
  func take(_ byteCount: Int) -> UnsafeMutablePointer<UInt8> {
    let next = usedByteCount + Self.rounded(byteCount)
    precondition(next <= self.byteCount)
    defer { usedByteCount = next }
    return (base + usedByteCount).assumingMemoryBound(to: UInt8.self)
  }

  private static func rounded(_ byteCount: Int) -> Int {
    (byteCount + Limits.cacheLineByteCount - 1) & ~(Limits.cacheLineByteCount - 1)
  }
}
