import CLinuxIO
import Glibc

/// One queue of a TAP device: frames of the overlay, read and written by one thread.
///
/// The device is created when it is absent and goes when the last descriptor is closed, unless it was made persistent
/// by somebody else. No checksum or segmentation is left undone by the kernel: what is read is what would be on a wire.
/// - SeeAlso: Documentation/networking/tuntap.rst.
package final class TAPDevice: Sendable {
  package let name: String
  /// Existed before as a persistent device, and stays.
  package let isPersistent: Bool
  private let descriptor: FileDescriptor

  /// Creates or attaches to the device `name`.
  /// - Throws: EBUSY when another process has it, EINVAL when the name belongs to a device of another kind or is none,
  ///   EPERM without CAP_NET_ADMIN, ENOENT without /dev/net/tun.
  package init(named name: String) throws(Errno) {
    // The kernel would cut a long name, number a pattern, and invent a name when there is none.
    guard (1...NetlinkSocket.linkNameByteCountMax).contains(name.utf8.count), !name.contains("%"),
      !name.utf8.contains(0)
    else { throw Errno(EINVAL, "TUNSETIFF") }
    let result = clinuxio_tap_open(name)
    guard result >= 0 else { throw Errno(-result, "TUNSETIFF") }
    self.name = name
    self.descriptor = FileDescriptor(owning: result)
    let offload = clinuxio_tap_set_offload(result, 0)
    guard offload >= 0 else { throw Errno(-offload, "TUNSETOFFLOAD") }
    let persistent = clinuxio_tap_is_persistent(result)
    guard persistent >= 0 else { throw Errno(-persistent, "TUNGETIFF") }
    self.isPersistent = persistent > 0
  }

  /// Creates the device anew behind the same descriptor, after it was deleted under it. Any thread: until it is done,
  /// reads and writes of the owner answer EBADFD.
  package func reattach() throws(Errno) {
    let result = clinuxio_tap_attach(descriptor.rawValue, name)
    guard result >= 0 else { throw Errno(-result, "TUNSETIFF") }
    let offload = clinuxio_tap_set_offload(descriptor.rawValue, 0)
    guard offload >= 0 else { throw Errno(-offload, "TUNSETOFFLOAD") }
  }

  /// For a poller.
  package var pollDescriptor: Int32 { descriptor.rawValue }

  /// Reads waiting frames behind those that are in `batch`, until none waits or the batch is full.
  /// - Returns: 0, or the `errno` of a read that failed otherwise than by finding nothing.
  package func receive(into batch: inout FrameBatch) -> Int32 {
    var header = VirtioNetHeader()
    while batch.hasRoom {
      let start = batch.nextStart()
      let byteCount = withUnsafeMutablePointer(to: &header) { header in
        // SAFETY: the header is 10 bytes without padding; the batch has frameByteCountMax bytes from `start`.
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { vectors in
          vectors[0] = iovec(iov_base: header, iov_len: VirtioNetHeader.byteCount)
          vectors[1] = iovec(iov_base: start, iov_len: Limits.frameByteCountMax)
          return readv(descriptor.rawValue, vectors.baseAddress, 2)
        }
      }
      if byteCount < 0 {
        switch errno {
        case EAGAIN: return 0
        case EINTR: continue
        case let failure: return failure
        }
      }
      // The kernel never hands over less than the header.
      batch.append(byteCount: max(0, byteCount - VirtioNetHeader.byteCount), offload: header)
    }
    return 0
  }

  /// Writes the frames in `range`, each as a whole, and notes in each what came of it.
  package func send(_ frames: inout OutgoingFrames, _ range: Range<Int>) {
    var header = VirtioNetHeader()
    for index in range {
      let frame = frames[index]
      let failure = withUnsafeMutablePointer(to: &header) { header in
        // SAFETY: as in `receive`; the frame's memory is kept by whoever made the list.
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { vectors -> Int32 in
          vectors[0] = iovec(iov_base: header, iov_len: VirtioNetHeader.byteCount)
          vectors[1] = iovec(iov_base: frame.start, iov_len: frame.byteCount)
          while writev(descriptor.rawValue, vectors.baseAddress, 2) < 0 {
            let failure = errno
            if failure != EINTR { return failure }
          }
          return 0
        }
      }
      frames.setFailure(failure, at: index)
    }
  }
}
