import Glibc

/// Memory for the batches of one worker, in one piece that the kernel may back with a huge page.
///
/// The kernel copies every byte of the traffic from or to this memory, page by page. With a page of 2 MB that took 3 to
/// 5 % less of the processor's time than with pages of 4 KB; docs/performance.md has the figures. Without huge pages it
/// works the same.
/// - SeeAlso: madvise(2), MADV_HUGEPAGE.
package final class BatchMemory {
  private static let hugePageByteCount = 2 << 20

  // SAFETY: owned from `init` to `deinit`; handed out piece by piece below `byteCount`.
  private let base: UnsafeMutableRawPointer
  private let byteCount: Int
  private var usedByteCount = 0

  /// Room for pieces of these sizes, in bytes; each is rounded up to whole cache lines.
  package init(pieces: [Int]) {
    byteCount = pieces.map(Self.rounded).reduce(0, +)
    let isLarge = byteCount >= Self.hugePageByteCount / 2
    let capacity =
      isLarge ? (byteCount + Self.hugePageByteCount - 1) & ~(Self.hugePageByteCount - 1) : byteCount
    base = .allocate(
      byteCount: capacity, alignment: isLarge ? Self.hugePageByteCount : Limits.cacheLineByteCount)
    // That the kernel has none, or gives none now, costs time only.
    if isLarge { _ = madvise(base, capacity, MADV_HUGEPAGE) }
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
