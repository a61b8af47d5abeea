import VXLAN

/// What two endpoints tell each other under a session's key, in a sealed datagram of kind `control`.
///
///     type u8 (0 keepalive or confirm, 1 probe, 2 probe answer) | 0 x 3 | UDP payload length u32 | token 8
///     | zero padding (probe only)
package enum ControlMessage: Equatable, Sendable {
  package static let byteCountMin = 16

  /// The session lives; also the first frame of a new one.
  case keepalive
  /// Answer me: `udpPayloadByteCount` is the size of the whole datagram, which padding brings it to.
  case probe(udpPayloadByteCount: UInt32, token: UInt64)
  /// A probe of this size and token arrived.
  case probeAnswer(udpPayloadByteCount: UInt32, token: UInt64)

  /// Reads an authenticated plaintext. Nil, and to be ignored, for types that are not known, and for what is malformed:
  /// too short, reserved bytes or padding that are not zero, padding where none belongs.
  package init?(parsing bytes: Span<UInt8>) {
    guard bytes.count >= Self.byteCountMin, bytes.bigEndian32(at: 0) & 0xFF_FFFF == 0 else { return nil }
    let size = bytes.bigEndian32(at: 4)
    let token = bytes.bigEndian64(at: 8)
    let isBare = bytes.count == Self.byteCountMin
    switch bytes[0] {
    case 0 where isBare && size == 0 && token == 0: self = .keepalive
    case 1 where Self.isZero(bytes, from: Self.byteCountMin): self = .probe(udpPayloadByteCount: size, token: token)
    case 2 where isBare: self = .probeAnswer(udpPayloadByteCount: size, token: token)
    default: return nil
    }
  }

  /// The plaintext. That of a probe is padded so that the datagram has the size it names, with a tag of
  /// `tagByteCount`; a size too small for that is our bug.
  package func bytes(tagByteCount: Int) -> [UInt8] {
    switch self {
    case .keepalive: return Self.fields(type: 0, size: 0, token: 0)
    case .probe(let size, let token):
      let padding = Int(size) - SealedHeader.byteCount - Self.byteCountMin - tagByteCount
      precondition(padding >= 0)
      return Self.fields(type: 1, size: size, token: token) + [UInt8](repeating: 0, count: padding)
    case .probeAnswer(let size, let token): return Self.fields(type: 2, size: size, token: token)
    }
  }

  private static func fields(type: UInt8, size: UInt32, token: UInt64) -> [UInt8] {
    [type, 0, 0, 0] + size.bigEndianBytes + token.bigEndianBytes
  }

  private static func isZero(_ bytes: Span<UInt8>, from offset: Int) -> Bool {
    var all: UInt8 = 0
    for index in offset..<bytes.count { all |= bytes[index] }
    return all == 0
  }
}
