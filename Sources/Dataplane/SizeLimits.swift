import Forwarding

/// How much fits at this moment: by peer, the IP packet that the underlay's path to it takes; by segment, the inner
/// frame that its TAP takes.
///
/// *Threads.* Any. Each value is a word of its own: a worker sees a new one with its next frame.
package final class SizeLimits: Sendable {
  private let paths = AtomicCells(count: Forwarding.Limits.peerSlotCount)
  private let frames = AtomicCells(count: Limits.segmentSlotCount)

  // HOT
  /// The largest IP packet of the underlay that reaches the peer in `slot` whole.
  @inline(__always)
  package func pathMTU(ofPeer slot: Int) -> Int { paths[slot] }

  // HOT
  /// The longest frame, Ethernet header and tag included, that the segment in `slot` carries.
  @inline(__always)
  package func frameByteCountMax(ofSegment slot: Int) -> Int { frames[slot] }

  package func setPathMTU(_ byteCount: Int, ofPeer slot: Int) {
    precondition(paths.indices.contains(slot))
    paths.update(slot, to: byteCount)
  }

  package func setFrameByteCountMax(_ byteCount: Int, ofSegment slot: Int) {
    precondition(frames.indices.contains(slot))
    frames.update(slot, to: byteCount)
  }
}
