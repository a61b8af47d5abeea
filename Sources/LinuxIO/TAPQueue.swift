import Glibc

/// One queue of a TAP device: frames of the overlay, read and written by one thread.
package final class TAPQueue: Sendable {
  let descriptor: FileDescriptor
  /// Of the device, for all its queues.
  package let offloads: TAPOffloads

  init(descriptor: consuming FileDescriptor, offloads: TAPOffloads) {
    self.descriptor = descriptor
    self.offloads = offloads
  }

  /// For a poller.
  package var pollDescriptor: Int32 { descriptor.rawValue }

  /// Reads waiting frames behind those that are in `batch`, until none waits or the batch is full.
  /// - Returns: 0, or the `errno` of a read that failed otherwise than by finding nothing.
  package func receive(into batch: inout FrameBatch) -> Int32 {
    while batch.hasRoom {
      // The header lies in front of the frame: one piece of memory is cheaper to read into than two.
      // SAFETY: the batch has room for the header in front of `start` and frameByteCountMax bytes from it on.
      let start = batch.nextStart() - VirtioNetHeader.byteCount
      let byteCount = read(descriptor.rawValue, start, VirtioNetHeader.byteCount + Limits.frameByteCountMax)
      if byteCount < 0 {
        switch errno {
        case EAGAIN: return 0
        case EINTR: continue
        case let failure: return failure
        }
      }
      // The kernel never hands over less than the header.
      batch.append(
        byteCount: max(0, byteCount - VirtioNetHeader.byteCount), offload: VirtioNetHeader(loading: start))
    }
    return 0
  }

  /// Throws away the frames that wait, `countMax` at most. While nobody else reads.
  package func discardWaiting(countMax: Int) {
    // The kernel cuts a frame to the room that there is, which must be that of its header at least.
    var start = [UInt8](repeating: 0, count: 64)
    for _ in 0..<countMax {
      if read(descriptor.rawValue, &start, start.count) < 0, errno != EINTR { return }
    }
  }

  /// Writes the frames in `range`, each as a whole, and notes in each what came of it.
  package func send(_ frames: inout OutgoingFrames, _ range: Range<Int>) {
    for index in range {
      let vectors = frames.vectors(at: index)
      var failure: Int32 = 0
      // SAFETY: the list keeps the vectors, and whoever made it keeps what they point at.
      while writev(descriptor.rawValue, vectors.baseAddress, Int32(vectors.count)) < 0 {
        failure = errno
        if failure != EINTR { break }
        failure = 0
      }
      frames.setFailure(failure, at: index)
    }
  }
}
