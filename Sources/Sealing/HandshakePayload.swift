import VXLAN

/// What an initiation says under encryption: 32 bytes.
///
///     cipher mask u16 | 0 u16 | PSK ids 2 x u32, preferred first, 0 = none | boot id 8 | counter u64 | 0 u32
package struct InitiationPayload: Equatable, Sendable {
  package static let byteCount = 32
  /// Pre-shared keys that there is room to name.
  package static let presharedKeyCountMax = 2

  package var ciphers: CipherMask
  /// Names of the pre-shared keys that the initiator has, preferred first; 0 means none.
  package var presharedKeyIDs: [UInt32]
  /// Random per process of the initiator.
  package var bootID: UInt64
  /// Higher in each initiation of a process.
  package var counter: UInt64

  /// - Parameter presharedKeyIDs: two at most.
  package init(ciphers: CipherMask, presharedKeyIDs: [UInt32], bootID: UInt64, counter: UInt64) {
    precondition(presharedKeyIDs.count <= Self.presharedKeyCountMax && !presharedKeyIDs.contains(0))
    self.ciphers = ciphers
    self.presharedKeyIDs = presharedKeyIDs
    self.bootID = bootID
    self.counter = counter
  }

  /// Nil for another length, for reserved bytes that are not zero, and for a second PSK id without a first.
  package init?(parsing bytes: Span<UInt8>) {
    guard bytes.count == Self.byteCount, bytes.bigEndian16(at: 2) == 0, bytes.bigEndian32(at: 28) == 0,
      bytes.bigEndian32(at: 4) != 0 || bytes.bigEndian32(at: 8) == 0
    else { return nil }
    ciphers = CipherMask(rawValue: bytes.bigEndian16(at: 0))
    presharedKeyIDs = [bytes.bigEndian32(at: 4), bytes.bigEndian32(at: 8)].filter { $0 != 0 }
    bootID = bytes.bigEndian64(at: 12)
    counter = bytes.bigEndian64(at: 20)
  }

  package var bytes: [UInt8] {
    let ids = presharedKeyIDs + [UInt32](repeating: 0, count: 2 - presharedKeyIDs.count)
    return ciphers.rawValue.bigEndianBytes + [0, 0] + ids.flatMap(\.bigEndianBytes) + bootID.bigEndianBytes
      + counter.bigEndianBytes + [0, 0, 0, 0]
  }
}

/// What a response says under encryption: 8 bytes.
///
///     cipher u16, exactly one bit | 0 u16 | the responder's own index u32
package struct ResponsePayload: Equatable, Sendable {
  package static let byteCount = 8

  package var cipher: Cipher
  package var index: UInt32

  package init(cipher: Cipher, index: UInt32) {
    precondition(index <= SealedHeader.Word.indexMax)
    self.cipher = cipher
    self.index = index
  }

  /// Nil for another length, for no cipher, several or unknown ones, for reserved bytes that are not zero, and for
  /// indexes of more than 20 bits.
  package init?(parsing bytes: Span<UInt8>) {
    guard bytes.count == Self.byteCount, let cipher = CipherMask(rawValue: bytes.bigEndian16(at: 0)).only,
      bytes.bigEndian16(at: 2) == 0, bytes.bigEndian32(at: 4) <= SealedHeader.Word.indexMax
    else { return nil }
    self.cipher = cipher
    index = bytes.bigEndian32(at: 4)
  }

  package var bytes: [UInt8] { CipherMask([cipher]).rawValue.bigEndianBytes + [0, 0] + index.bigEndianBytes }
}

extension FixedWidthInteger {
  /// The bytes, most significant first.
  var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}
