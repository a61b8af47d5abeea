import Sealing

/// What sealing adds to a frame.
enum SizeOfSealing {
  /// Header and the tag of aes256gcm and chacha20poly1305.
  static let byteCountMin = SealedHeader.byteCount + 16
  /// With the tag of aegis128l.
  static let byteCountMax = SealedHeader.byteCount + 32
  /// Whole handshake messages by their type.
  static let handshakes: [UInt64: Int] = [1: 176, 2: 104, 3: 72]
}
