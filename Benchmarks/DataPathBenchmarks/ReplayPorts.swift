import Dataplane
import LinuxIO
import VXLAN

/// A TAP without a kernel: every batch is full of the same frames, and what is written is gone.
///
/// The bytes are put into a batch once. A batch keeps its memory when it is cleared, so later batches cost no copying
/// and what is measured is the data path alone.
final class ReplayFramePort: FramePort {
  private let frames: [[UInt8]]
  private var isFilled = false

  init(_ frames: [[UInt8]]) {
    self.frames = frames
  }

  func receive(into batch: inout FrameBatch) -> Int32 {
    var index = 0
    while index < frames.count, batch.hasRoom {
      let byteCount = frames[index].count
      if !isFilled {
        // SAFETY: a batch has frameByteCountMax bytes from `nextStart()`, and the frames here are shorter.
        batch.nextStart().update(from: frames[index], count: byteCount)
      }
      batch.append(byteCount: byteCount, offload: VirtioNetHeader())
      index += 1
    }
    isFilled = true
    return 0
  }

  func send(_ frames: inout OutgoingFrames, _ range: Range<Int>) {}
}

/// Sockets without a kernel: every batch is full of the same datagrams, and what is sent is gone.
///
/// The batch is filled once; the data path leaves it as it is.
final class ReplayDatagramPort: DatagramPort {
  private let payloads: [[UInt8]]
  private let source: IPAddress
  private var isFilled = false

  init(_ payloads: [[UInt8]], from source: IPAddress) {
    self.payloads = payloads
    self.source = source
  }

  func receive(into batch: inout DatagramBatch) -> Int32 {
    guard !isFilled else { return 0 }
    for payload in payloads where batch.hasRoom { batch.append(payload, from: source) }
    isFilled = true
    return 0
  }

  func send(_ datagrams: inout OutgoingDatagrams) {}
}
