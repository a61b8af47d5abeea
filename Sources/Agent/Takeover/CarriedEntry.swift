import Forwarding
import VXLAN

/// An entry of a forwarding table on its way from one process to the next.
///
///     bytes 0...3   VNI               bytes 12...13  0: local, n: the peer in place n - 1 of the carried state
///     bytes 4...9   MAC address       byte 14        origin, as in `FDBOrigin`     byte 15  0
///     bytes 10...11 0                 bytes 16...19  stamp, in seconds of the host's clock
///
/// Big-endian. Which clock the stamp is of both processes know: it counts for the whole host.
struct CarriedEntry: Equatable, Sendable {
  static let byteCount = 20

  var vni: UInt32
  var mac: MACAddress
  /// In the list of the carried state; nil: local.
  var peer: Int?
  var origin: FDBOrigin
  var stamp: UInt32

  var bytes: [UInt8] {
    let remote = peer.map { UInt16(truncatingIfNeeded: $0 + 1) } ?? 0
    return Self.octets(vni) + mac.octets + [0, 0] + Self.octets(UInt32(remote)).suffix(2) + [origin.rawValue, 0]
      + Self.octets(stamp)
  }

  /// Nil when they are not whole, or one names no origin.
  static func all(parsing bytes: [UInt8]) -> [CarriedEntry]? {
    guard bytes.count.isMultiple(of: byteCount) else { return nil }
    var entries: [CarriedEntry] = []
    for start in stride(from: 0, to: bytes.count, by: byteCount) {
      guard let entry = CarriedEntry(parsing: bytes[start..<start + byteCount]) else { return nil }
      entries.append(entry)
    }
    return entries
  }

  private init?(parsing bytes: ArraySlice<UInt8>) {
    func number(_ range: Range<Int>) -> UInt64 {
      bytes.dropFirst(range.lowerBound).prefix(range.count).reduce(0) { $0 << 8 | UInt64($1) }
    }
    guard let origin = FDBOrigin(rawValue: UInt8(number(14..<15))), number(10..<12) == 0, number(15..<16) == 0 else {
      return nil
    }
    let remote = Int(number(12..<14))
    vni = UInt32(number(0..<4))
    mac = MACAddress(rawValue: number(4..<10))
    peer = remote == 0 ? nil : remote - 1
    self.origin = origin
    stamp = UInt32(number(16..<20))
  }

  init(vni: UInt32, mac: MACAddress, peer: Int?, origin: FDBOrigin, stamp: UInt32) {
    self.vni = vni
    self.mac = mac
    self.peer = peer
    self.origin = origin
    self.stamp = stamp
  }

  private static func octets(_ value: UInt32) -> [UInt8] {
    stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
  }
}
