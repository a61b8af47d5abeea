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

  /// Reads the 10 bytes at `start`.
  // SAFETY: the caller has them; every value of them is a header.
  init(loading start: UnsafePointer<UInt8>) {
    let bytes = UnsafeRawPointer(start)
    flags = bytes.load(as: UInt8.self)
    gsoType = bytes.load(fromByteOffset: 1, as: UInt8.self)
    headerByteCount = bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
    gsoByteCount = bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
    checksumStart = bytes.loadUnaligned(fromByteOffset: 6, as: UInt16.self)
    checksumOffset = bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
  }

  @inlinable
  package var isSuperframe: Bool { gsoType != 0 }
  @inlinable
  package var wantsChecksum: Bool { flags & 1 != 0 }
}
