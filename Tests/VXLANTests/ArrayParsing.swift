import VXLAN

// The test macros take no spans, so here is what reads spans for arrays.

extension VXLANHeader {
  init?(parsing bytes: [UInt8]) { self.init(parsing: bytes.span) }
}

extension EthernetHeader {
  init?(parsing bytes: [UInt8]) { self.init(parsing: bytes.span) }
}

extension InnerPacket {
  init?(inFrame bytes: [UInt8]) { self.init(inFrame: bytes.span) }

  /// As for a span, in an array that is changed in place.
  func setECN(_ codepoint: ECN, inFrame bytes: inout [UInt8]) {
    var span = bytes.mutableSpan
    setECN(codepoint, inFrame: &span)
  }
}

extension Checksum {
  static func sum(_ bytes: [UInt8], initial: UInt64 = 0) -> UInt64 { sum(bytes.span, initial: initial) }
}

extension Array where Element == UInt8 {
  func bigEndian16(at offset: Int) -> UInt16 { span.bigEndian16(at: offset) }
  func bigEndian32(at offset: Int) -> UInt32 { span.bigEndian32(at: offset) }
  func bigEndian64(at offset: Int) -> UInt64 { span.bigEndian64(at: offset) }
}
