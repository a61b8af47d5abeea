/// What the table knows of one MAC address, packed into the 64 bits that are read and replaced at once.
///
///     bits 63...32  stamp: seconds of the last frame from the address
///     bits 31...16  remote
///     bits 15...8   zero
///     bits 7...0    1 = present, 2 = static, 4 = frozen: the storage is being replaced, and only its readers are left
///
/// Zero is: no entry.
package struct FDBValue: Hashable, Sendable {
  @usableFromInline static let present: UInt64 = 1
  @usableFromInline static let isStaticBit: UInt64 = 2
  static let frozenBit: UInt64 = 4
  package static let absent = FDBValue(rawValue: 0)

  @usableFromInline let rawValue: UInt64

  @inlinable
  init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// A learned entry.
  @inlinable
  static func dynamic(_ remote: Remote, stamp: UInt32) -> FDBValue {
    FDBValue(rawValue: UInt64(stamp) << 32 | UInt64(remote.rawValue) << 16 | present)
  }

  /// A configured entry, which neither moves nor ages.
  @inlinable
  static func `static`(_ remote: Remote, stamp: UInt32) -> FDBValue {
    FDBValue(rawValue: dynamic(remote, stamp: stamp).rawValue | isStaticBit)
  }

  @inlinable
  package var isPresent: Bool { rawValue & Self.present != 0 }
  @inlinable
  package var isStatic: Bool { rawValue & Self.isStaticBit != 0 }
  var isFrozen: Bool { rawValue & Self.frozenBit != 0 }
  @inlinable
  package var remote: Remote { Remote(rawValue: UInt16(truncatingIfNeeded: rawValue >> 16)) }
  @inlinable
  package var stamp: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }
}
