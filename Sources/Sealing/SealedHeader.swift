import VXLAN

/// The header of everything on the sealed port: 16 bytes before the ciphertext or the handshake message.
///
///     byte 0      flags: 0x0C frame, 0x0D control or handshake      bytes 1...2  zero
///     byte 3      next protocol: 0xFE frame or control, 0xFF handshake
///     byte 4...6  VNI, zero in control and handshake                byte 7       zero
///     byte 8...15 lane (4 bits), index (20 bits), counter (40 bits), big-endian
///
/// The framing is that of VXLAN-GPE, which no plain VTEP takes.
package struct SealedHeader: Equatable, Sendable {
  package static let byteCount = 16

  /// What follows the header.
  package enum Kind: Sendable, CaseIterable {
    case frame, control, handshake
  }

  package let kind: Kind
  package let vni: VNI
  package let word: Word

  package init(kind: Kind, vni: VNI, word: Word) {
    precondition(kind == .frame || vni.rawValue == 0)
    self.kind = kind
    self.vni = vni
    self.word = word
  }

  /// Lane, index and counter as one number of 64 bits.
  package struct Word: Equatable, Sendable {
    package static let laneMax: UInt8 = 15
    @inlinable package static var indexMax: UInt32 { 1 << 20 - 1 }
    @inlinable package static var counterMax: UInt64 { 1 << 40 - 1 }
    @inlinable static var laneShift: UInt64 { 60 }
    @inlinable static var indexShift: UInt64 { 40 }

    package let rawValue: UInt64

    @inlinable
    package init(rawValue: UInt64) {
      self.rawValue = rawValue
    }

    package init(lane: UInt8, index: UInt32, counter: UInt64) {
      precondition(lane <= Self.laneMax && index <= Self.indexMax && counter <= Self.counterMax)
      rawValue = UInt64(lane) &<< Self.laneShift | UInt64(index) &<< Self.indexShift | counter
    }

    @inlinable package var lane: UInt8 { UInt8(truncatingIfNeeded: rawValue &>> Self.laneShift) }
    @inlinable package var index: UInt32 { UInt32(truncatingIfNeeded: rawValue &>> Self.indexShift) & Self.indexMax }
    @inlinable package var counter: UInt64 { rawValue & Self.counterMax }
  }

  /// Reads the first 16 of `bytes`. Nil where there are fewer, and for other flags, next protocols and reserved bytes.
  /// Allocates nothing.
  package init?(parsing bytes: Span<UInt8>) {
    guard bytes.count >= Self.byteCount else { return nil }
    let framing = bytes.bigEndian32(at: 0)
    let vniWord = bytes.bigEndian32(at: 4)
    guard let kind = Kind(framing: framing), vniWord & 0xFF == 0, kind == .frame || vniWord == 0 else { return nil }
    self.kind = kind
    vni = VNI(unchecked: vniWord >> 8)
    word = Word(rawValue: bytes.bigEndian64(at: 8))
  }

  /// The 16 bytes.
  package var bytes: [UInt8] {
    let high = UInt64(kind.framing) << 32 | UInt64(vni.rawValue) << 8
    return [high, word.rawValue].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word &>> UInt64(56 - 8 * $0)) }
    }
  }

  /// The first eight bytes as one big-endian number: the same for all datagrams of one kind and segment.
  package static func prefix(kind: Kind, vni: VNI) -> UInt64 {
    UInt64(kind.framing) << 32 | UInt64(vni.rawValue) << 8
  }
}

extension SealedHeader.Kind {
  /// Bytes 0 to 3 as one big-endian number.
  var framing: UInt32 {
    switch self {
    case .frame: 0x0C00_00FE
    case .control: 0x0D00_00FE
    case .handshake: 0x0D00_00FF
    }
  }

  init?(framing: UInt32) {
    switch framing {
    case 0x0C00_00FE: self = .frame
    case 0x0D00_00FE: self = .control
    case 0x0D00_00FF: self = .handshake
    default: return nil
    }
  }
}
