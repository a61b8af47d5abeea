/// The header that stands in front of every frame of a TAP, in the machine's byte order.
///
///     byte 0  flags      byte 1  gso_type    bytes 2...3  hdr_len    bytes 4...5  gso_size
///     bytes 6...7  csum_start                bytes 8...9  csum_offset
///
/// Offsets count from the start of the Ethernet frame.
/// - SeeAlso: include/uapi/linux/virtio_net.h.
package struct VirtioNetHeader: Equatable, Sendable {
  package static let byteCount = 10
  /// flags: the checksum at csum_start + csum_offset is that of the pseudo-header only.
  package static let needsChecksum: UInt8 = 1
  /// gso_type.
  package static let gsoNone: UInt8 = 0
  package static let gsoTCPv4: UInt8 = 1
  package static let gsoTCPv6: UInt8 = 4
  package static let gsoUDP: UInt8 = 5
  /// Set in gso_type beside a TCP type: the first segment carries CWR.
  package static let gsoECN: UInt8 = 0x80

  package var flags: UInt8 = 0
  package var gsoType: UInt8 = 0
  package var headerByteCount: UInt16 = 0
  package var gsoByteCount: UInt16 = 0
  package var checksumStart: UInt16 = 0
  package var checksumOffset: UInt16 = 0

  /// A whole frame with finished checksums.
  package init() {}

  @inlinable
  package var isSuperframe: Bool { gsoType != 0 }
  @inlinable
  package var wantsChecksum: Bool { flags & 1 != 0 }
}
