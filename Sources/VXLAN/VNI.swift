/// A VXLAN network identifier: the 24-bit number that names one segment.
///
/// A value that exists is in range; 0 is valid.
/// - SeeAlso: RFC 7348, section 5.
package struct VNI: Hashable, Comparable, Sendable {
  /// The largest identifier, 2^24 - 1.
  package static let maximum = VNI(unchecked: 0xFF_FFFF)

  /// 0...0xFF_FFFF.
  package let rawValue: UInt32

  /// Nil when `value` needs more than 24 bits.
  package init?(_ value: some BinaryInteger) {
    guard let value = UInt32(exactly: value), value <= 0xFF_FFFF else { return nil }
    self.rawValue = value
  }

  /// For a value that is known to fit, such as three bytes of a header.
  @inlinable
  package init(unchecked rawValue: UInt32) {
    self.rawValue = rawValue
  }

  package static func < (a: VNI, b: VNI) -> Bool { a.rawValue < b.rawValue }
}

extension VNI: CustomStringConvertible {
  package var description: String { String(rawValue) }
}
