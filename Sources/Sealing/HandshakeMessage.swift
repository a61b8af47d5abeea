import VXLAN

/// A handshake message of the right length with a sound header; nothing of it is authenticated yet.
///
///     header 16    0D 00 00 FF | 000000 | 00 | lane 0, index, kind in the counter's place
///     initiation   header | e 32 | s 48 | payload 48 | mac1 16 | mac2 16        176 bytes
///     response     header | e 32 | payload 24 | mac1 16 | mac2 16               104 bytes
///     cookie       header | nonce 24 | sealed cookie 32                          72 bytes
package struct HandshakeMessage: Equatable, Sendable {
  /// The raw value is the number on the wire.
  package enum Kind: UInt64, Sendable, CaseIterable {
    case initiation = 1
    case response = 2
    case cookie = 3

    package var byteCount: Int {
      switch self {
      case .initiation: 176
      case .response: 104
      case .cookie: 72
      }
    }
  }

  package static let byteCountMax = Kind.initiation.byteCount

  package let kind: Kind
  /// Of an initiation the sender's own; of an answer that of the initiation.
  package let index: UInt32
  /// The whole message with its header.
  package let bytes: [UInt8]

  /// Nil for other lengths than the kind's, other kinds and lanes, and headers that are none.
  package init?(parsing datagram: Span<UInt8>) {
    guard let header = SealedHeader(parsing: datagram), header.kind == .handshake, header.word.lane == 0,
      let kind = Kind(rawValue: header.word.counter), datagram.count == kind.byteCount
    else { return nil }
    self.kind = kind
    index = header.word.index
    bytes = datagram.withUnsafeBufferPointer { Array($0) }
  }

  /// A message of our own: the header, then `body` without the two MACs.
  init(_ kind: Kind, index: UInt32, body: [UInt8]) {
    self.kind = kind
    self.index = index
    bytes = Self.header(kind, index: index) + body
  }

  static func header(_ kind: Kind, index: UInt32) -> [UInt8] {
    let word = SealedHeader.Word(lane: 0, index: index, counter: kind.rawValue)
    return SealedHeader(kind: .handshake, vni: VNI(unchecked: 0), word: word).bytes
  }

  var header: [UInt8] { Array(bytes[..<SealedHeader.byteCount]) }
  /// What Noise made: between the header and the MACs.
  var noise: ArraySlice<UInt8> { bytes[SealedHeader.byteCount..<bytes.count - 2 * HandshakeMAC.byteCount] }
}
