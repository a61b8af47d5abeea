import Glibc

/// Memory for as many slots as there may ever be: zeroed, and resident page by page once it is used, so that slots that
/// nobody has cost nothing.
///
/// *Ownership.* The pages are this value's; what is in them is its user's to initialise and to deinitialise. Zero bits
/// are a valid `Atomic` number, and an `Atomic` pointer of nil.
package struct SlotMemory<Element: ~Copyable>: ~Copyable, @unchecked Sendable {
  // SAFETY: pages of this value's own, as many as `count` elements take; given back in `deinit`.
  package let start: UnsafeMutablePointer<Element>
  package let count: Int

  /// - Parameter count: of slots; 0 is taken for 1.
  package init(count: Int) {
    self.count = max(1, count)
    let byteCount = self.count * MemoryLayout<Element>.stride
    guard let pages = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      pages != MAP_FAILED
    else { preconditionFailure("out of memory") }
    // A huge page would be resident as a whole. A kernel without them refuses, and all is well.
    _ = madvise(pages, byteCount, MADV_NOHUGEPAGE)
    start = pages.bindMemory(to: Element.self, capacity: self.count)
  }

  deinit {
    munmap(start, count * MemoryLayout<Element>.stride)
  }
}
