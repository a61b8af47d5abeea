import Glibc
import LinuxIO
import VXLAN

/// A superframe that the kernel refused, cut into its segments again: the way back from `Coalescing`.
///
/// It is cut as one from a TAP would be, so every header field and checksum comes out as the segments came.
enum SuperframeSplit {
  /// Gathers the frame of a refused write into `memory`, which holds `Limits.frameByteCountMax` bytes, and answers it
  /// as a frame from a TAP. Nil when it is not one.
  static func gather(
    _ vectors: UnsafeMutableBufferPointer<iovec>, header: VirtioNetHeader, into memory: UnsafeMutablePointer<UInt8>
  ) -> FrameBatch.Frame? {
    var byteCount = 0
    for vector in vectors.dropFirst() {
      guard let base = vector.iov_base, byteCount + vector.iov_len <= LinuxIO.Limits.frameByteCountMax else {
        return nil
      }
      // SAFETY: `memory` has room for what was just compared; the vectors' memory is kept until the list is cleared.
      (memory + byteCount).update(from: base.assumingMemoryBound(to: UInt8.self), count: vector.iov_len)
      byteCount += vector.iov_len
    }
    return FrameBatch.Frame(start: memory, byteCount: byteCount, offload: header)
  }
}
