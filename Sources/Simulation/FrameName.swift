import VXLAN

/// What a simulated frame says of itself behind its Ethernet header, so that it is known wherever it comes out.
///
///     byte 0...7    number within its segment      byte 8...11   segment
///     byte 12...15  station that sent it           byte 16...31  `marker` where the segment is sealed, else zeros
///     byte 32...39  a sum over all of that         then filling
struct FrameName: Equatable {
  /// In every frame of a sealed segment: what must be on no wire.
  static let marker: [UInt8] = Array("in clear: sealed".utf8)
  /// Its two halves, as big-endian numbers.
  static let markerWords = (first: marker.span.bigEndian64(at: 0), last: marker.span.bigEndian64(at: 8))
  static let byteCount = 40
  private static let etherType: UInt16 = 0x88B5

  let number: Int
  let segment: Int
  let station: Int

  init(number: Int, segment: Int, station: Int) {
    (self.number, self.segment, self.station) = (number, segment, station)
  }

  /// Nil: nobody of this world made the frame.
  init?(of frame: [UInt8], at offset: Int = 0) {
    let start = offset + EthernetHeader.byteCount
    guard frame.count >= start + Self.byteCount else { return nil }
    let word = frame.span.bigEndian64(at: start)
    let places = frame.span.bigEndian64(at: start + 8)
    self.init(number: Int(word & 0xFF_FFFF_FFFF), segment: Int(places >> 32), station: Int(places & 0xFFFF_FFFF))
    guard frame.span.bigEndian64(at: start + 32) == sum else { return nil }
  }

  /// The frame, of `byteCount` bytes in all.
  func frame(to destination: MACAddress, byteCount: Int, isMarked: Bool) -> [UInt8] {
    let count = max(byteCount, EthernetHeader.byteCount + Self.byteCount)
    return [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
      func put(_ value: UInt64, _ offset: Int, count: Int = 8) {
        for index in 0..<count {
          bytes[offset + index] = UInt8(truncatingIfNeeded: value &>> UInt64(8 * (count - 1 - index)))
        }
      }
      put(destination.rawValue, 0, count: 6)
      put(WorldPlan.mac(ofStation: station).rawValue, 6, count: 6)
      put(UInt64(Self.etherType), 12, count: 2)
      put(UInt64(number), 14)
      put(UInt64(segment) << 32 | UInt64(station), 22)
      for (index, byte) in Self.marker.enumerated() { bytes[30 + index] = isMarked ? byte : 0 }
      put(sum, 46)
      for index in 54..<count { bytes[index] = UInt8(truncatingIfNeeded: number) }
      filled = count
    }
  }

  private var sum: UInt64 {
    var sum = UInt64(number) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(segment) << 48 ^ UInt64(station)
    sum = (sum ^ sum &>> 29) &* 0xBF58_476D_1CE4_E5B9
    return sum ^ sum &>> 32
  }
}
