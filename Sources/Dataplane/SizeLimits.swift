import Synchronization

/// How much fits at this moment: by peer, the IP packet that the underlay's path to it takes; by segment, the inner
/// frame that its TAP takes.
///
/// *Threads.* Any. Each value is a word of its own: a worker sees a new one with its next frame.
package final class SizeLimits: @unchecked Sendable {
  // SAFETY: both are owned from `init` to `deinit`; slots are compared with the counts where they are set, and are
  // those of the topology where they are read.
  private let paths: UnsafeMutablePointer<Atomic<Int>>
  private let pathCount: Int
  private let frames: UnsafeMutablePointer<Atomic<Int>>
  private let frameCount: Int

  /// - Parameters:
  ///   - pathMTUs: by peer slot.
  ///   - frameByteCounts: by segment slot.
  init(pathMTUs: [Int], frameByteCounts: [Int]) {
    (paths, pathCount) = (Self.cells(pathMTUs), pathMTUs.count)
    (frames, frameCount) = (Self.cells(frameByteCounts), frameByteCounts.count)
  }

  deinit {
    paths.deinitialize(count: pathCount)
    paths.deallocate()
    frames.deinitialize(count: frameCount)
    frames.deallocate()
  }

  // HOT
  /// The largest IP packet of the underlay that reaches the peer in `slot` whole.
  @inline(__always)
  package func pathMTU(ofPeer slot: Int) -> Int { paths[slot].load(ordering: .relaxed) }

  // HOT
  /// The longest frame, Ethernet header and tag included, that the segment in `slot` carries.
  @inline(__always)
  package func frameByteCountMax(ofSegment slot: Int) -> Int { frames[slot].load(ordering: .relaxed) }

  package func setPathMTU(_ byteCount: Int, ofPeer slot: Int) {
    precondition(slot >= 0 && slot < pathCount)
    paths[slot].store(byteCount, ordering: .relaxed)
  }

  package func setFrameByteCountMax(_ byteCount: Int, ofSegment slot: Int) {
    precondition(slot >= 0 && slot < frameCount)
    frames[slot].store(byteCount, ordering: .relaxed)
  }

  private static func cells(_ values: [Int]) -> UnsafeMutablePointer<Atomic<Int>> {
    let cells = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: max(1, values.count))
    for (slot, value) in values.enumerated() { (cells + slot).initialize(to: Atomic(value)) }
    return cells
  }
}
