import Dataplane
import LinuxIO

/// A TAP without a kernel: every batch is full of the same frames, and what is written is gone.
///
/// The bytes are put into a batch once. A batch keeps its memory when it is cleared, so later batches cost no copying
/// and what is measured is the data path alone.
package final class ReplayFramePort: FramePort {
  private let frames: [[UInt8]]
  private let offload: VirtioNetHeader
  private var isFilled = false

  /// - Parameter offload: what the kernel says of each frame.
  package init(_ frames: [[UInt8]], offload: VirtioNetHeader = VirtioNetHeader()) {
    self.frames = frames
    self.offload = offload
  }

  package func receive(into batch: inout FrameBatch) -> Int32 {
    var index = 0
    while index < frames.count, batch.hasRoom {
      let byteCount = frames[index].count
      if !isFilled {
        // SAFETY: a batch has frameByteCountMax bytes from `nextStart()`, and the frames here are shorter.
        batch.nextStart().update(from: frames[index], count: byteCount)
      }
      batch.append(byteCount: byteCount, offload: offload)
      index += 1
    }
    isFilled = true
    return 0
  }

  /// Writes of the last call.
  package private(set) var lastWriteCount = 0

  package func send(_ frames: inout OutgoingFrames, _ range: Range<Int>) { lastWriteCount = range.count }
  package var mergeable: MergeableTraffic { MergeableTraffic(mergesTCP: true, mergesUDP: true) }
  package func refuseSuperframes(_ failure: Int32) {}
}
