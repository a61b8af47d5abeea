import Dataplane
import LinuxIO
import VXLAN

/// A TAP without a kernel: every batch is full of the same frames, and what is written is gone.
///
/// The bytes are put into a batch once. A batch keeps its memory when it is cleared, so later batches cost no copying
/// and what is measured is the data path alone.
final class ReplayFramePort: FramePort {
  private let frames: [[UInt8]]
  private let offload: VirtioNetHeader
  private var isFilled = false

  /// - Parameter offload: what the kernel says of each frame.
  init(_ frames: [[UInt8]], offload: VirtioNetHeader = VirtioNetHeader()) {
    self.frames = frames
    self.offload = offload
  }

  func receive(into batch: inout FrameBatch) -> Int32 {
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
  private(set) var lastWriteCount = 0

  func send(_ frames: inout OutgoingFrames, _ range: Range<Int>) { lastWriteCount = range.count }
  var mergeable: MergeableTraffic { MergeableTraffic(mergesTCP: true, mergesUDP: true) }
  func refuseSuperframes(_ failure: Int32) {}
}

/// Sockets without a kernel: every batch is full of the same datagrams, and what is sent is gone.
///
/// The buffers are filled once. Joining makes the first headers of a run stand for all of it, so `refreshedByteCount`
/// bytes at the start of every datagram are written again for each batch.
final class ReplayDatagramPort: DatagramPort {
  private let payloads: [[UInt8]]
  private let source: IPAddress
  private let datagramByteCount: Int
  private let refreshedByteCount: Int
  private var isFilled = false

  /// - Parameter datagramByteCount: when the payloads are datagrams that the kernel joined: of each but the last.
  init(_ payloads: [[UInt8]], from source: IPAddress, datagramByteCount: Int = 0, refreshedByteCount: Int = 0) {
    self.payloads = payloads
    self.source = source
    self.datagramByteCount = datagramByteCount
    self.refreshedByteCount = refreshedByteCount
  }

  func receive(into batch: inout DatagramBatch) -> Int32 {
    guard !isFilled else {
      refresh(batch)
      return 0
    }
    for payload in payloads where batch.hasRoom {
      batch.append(payload, from: source, datagramByteCount: datagramByteCount)
    }
    isFilled = true
    return 0
  }

  private func refresh(_ batch: borrowing DatagramBatch) {
    guard refreshedByteCount > 0 else { return }
    for index in 0..<batch.count {
      let buffer = batch[index]
      payloads[index].withUnsafeBufferPointer { original in
        guard let from = original.baseAddress else { return }
        // SAFETY: the buffer holds as many bytes as the payload that it was filled from.
        var offset = 0
        while offset + refreshedByteCount <= buffer.byteCount {
          (buffer.start + offset).update(from: from + offset, count: refreshedByteCount)
          offset += buffer.datagramByteCount
        }
      }
    }
  }

  /// All of them went out.
  func send(_ runs: inout OutgoingRuns) {
    for index in 0..<runs.count { runs.setResult(sentCount: runs[index].datagramCount, failure: 0, at: index) }
  }
}
