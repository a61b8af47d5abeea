import CLinuxIO
import Glibc

/// One queue of a TAP device: frames of the overlay, read and written by one thread.
///
/// The device is created when it is absent and goes when the last descriptor is closed, unless it was made persistent
/// by somebody else. With offloads the kernel hands over superframes and unfinished checksums, and takes superframes;
/// without, what is read is what would be on a wire.
/// - SeeAlso: Documentation/networking/tuntap.rst.
package final class TAPDevice: Sendable {
  package let name: String
  /// Existed before as a persistent device, and stays.
  package let isPersistent: Bool
  /// The kernel hands over TCP superframes and unfinished checksums.
  package let reading: OffloadState
  /// The kernel hands over UDP superframes, and takes them.
  package let readingUDP: OffloadState
  /// The kernel takes TCP superframes.
  package let writing: OffloadState
  private let descriptor: FileDescriptor

  // TUN_F_CSUM, _TSO4, _TSO6, _TSO_ECN; TUN_F_USO4 and _USO6 of Linux 6.2, which want each other.
  // include/uapi/linux/if_tun.h.
  private static let tcpOffloads: UInt32 = 0x01 | 0x02 | 0x04 | 0x08
  private static let udpOffloads: UInt32 = 0x20 | 0x40

  /// Creates or attaches to the device `name`.
  /// - Throws: EBUSY when another process has it, EINVAL when the name belongs to a device of another kind or is none,
  ///   EPERM without CAP_NET_ADMIN, ENOENT without /dev/net/tun.
  package init(named name: String, usesOffloads: Bool = true) throws(Errno) {
    // The kernel would cut a long name, number a pattern, and invent a name when there is none.
    guard (1...NetlinkSocket.linkNameByteCountMax).contains(name.utf8.count), !name.contains("%"),
      !name.utf8.contains(0)
    else { throw Errno(EINVAL, "TUNSETIFF") }
    let result = clinuxio_tap_open(name)
    guard result >= 0 else { throw Errno(-result, "TUNSETIFF") }
    self.name = name
    self.descriptor = FileDescriptor(owning: result)
    reading = OffloadState(isWanted: usesOffloads)
    readingUDP = OffloadState(isWanted: usesOffloads)
    writing = OffloadState(isWanted: usesOffloads)
    let persistent = clinuxio_tap_is_persistent(result)
    guard persistent >= 0 else { throw Errno(-persistent, "TUNGETIFF") }
    self.isPersistent = persistent > 0
    try setOffloads()
  }

  /// Creates the device anew behind the same descriptor, after it was deleted under it; where one is attached, that
  /// one stays. Any thread: until it is done, reads and writes of the owner answer EBADFD.
  /// - Returns: whether a device was created or attached to.
  @discardableResult
  package func reattach() throws(Errno) -> Bool {
    // The kernel refuses a second TUNSETIFF (EEXIST), which would make one failed attempt final.
    let isAttached = clinuxio_tap_is_persistent(descriptor.rawValue) >= 0
    if !isAttached {
      let result = clinuxio_tap_attach(descriptor.rawValue, name)
      guard result >= 0 else { throw Errno(-result, "TUNSETIFF") }
    }
    try setOffloads()
    return !isAttached
  }

  /// Asks for as much as this kernel has, and notes what it has not.
  private func setOffloads() throws(Errno) {
    if reading.isOn, readingUDP.isOn {
      let result = clinuxio_tap_set_offload(descriptor.rawValue, Self.tcpOffloads | Self.udpOffloads)
      if result >= 0 { return }
      readingUDP.refuse(-result)
    }
    if reading.isOn {
      let result = clinuxio_tap_set_offload(descriptor.rawValue, Self.tcpOffloads)
      if result >= 0 { return }
      reading.refuse(-result)
    }
    let result = clinuxio_tap_set_offload(descriptor.rawValue, 0)
    guard result >= 0 else { throw Errno(-result, "TUNSETOFFLOAD") }
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
