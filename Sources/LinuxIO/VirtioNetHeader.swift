/// The header that the kernel puts in front of every frame of a TAP, in the machine's byte order.
///
///     byte 0  flags      byte 1  gso_type    bytes 2...3  hdr_len    bytes 4...5  gso_size
///     bytes 6...7  csum_start                bytes 8...9  csum_offset
///
/// - SeeAlso: include/uapi/linux/virtio_net.h.
package struct VirtioNetHeader: Equatable, Sendable {
  package static let byteCount = 10

  package var flags: UInt8 = 0
  package var gsoType: UInt8 = 0
  package var headerByteCount: UInt16 = 0
  package var gsoByteCount: UInt16 = 0
  package var checksumStart: UInt16 = 0
  package var checksumOffset: UInt16 = 0

  /// A whole frame with finished checksums.
  package init() {}

  /// The kernel left something undone: a checksum (F_NEEDS_CSUM, 1), or the cutting of a superframe.
  package var isUnfinished: Bool { flags & 1 != 0 || gsoType != 0 }
}
