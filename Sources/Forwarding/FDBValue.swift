/// What the table knows of one MAC address, packed into the 64 bits that are read and replaced at once.
///
///     bits 63...32  stamp: seconds of the last frame from the address
///     bits 31...16  remote
///     bits 15...8   origin
///     bits 7...0    1 = present, 2 = static, 4 = copied: the storage is being replaced, and only its readers are
///                   left, 8 = control, 16 = frozen: the address moved too often
///
/// Zero is: no entry.
package struct FDBValue: Hashable, Sendable {
  private static let present: UInt64 = 1
  private static let isStaticBit: UInt64 = 2
  static let copiedBit: UInt64 = 4
  private static let controlBit: UInt64 = 8
  private static let frozenBit: UInt64 = 16
  package static let absent = FDBValue(rawValue: 0)

  let rawValue: UInt64

  init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// An entry of any origin.
  init(_ remote: Remote, origin: FDBOrigin, stamp: UInt32) {
    let bit: UInt64 =
      switch origin.state {
      case .dynamic: 0
      case .control: Self.controlBit
      case .static: Self.isStaticBit
      }
    rawValue =
      UInt64(stamp) << 32 | UInt64(remote.rawValue) << 16 | UInt64(origin.rawValue) << 8 | bit | Self.present
  }

  /// A learned entry.
  static func dynamic(_ remote: Remote, stamp: UInt32) -> FDBValue {
    FDBValue(rawValue: UInt64(stamp) << 32 | UInt64(remote.rawValue) << 16 | present)
  }

  /// The entry of an address that moved too often.
  static func frozen(_ remote: Remote, stamp: UInt32) -> FDBValue {
    FDBValue(rawValue: dynamic(remote, stamp: stamp).rawValue | frozenBit)
  }

  package var isPresent: Bool { rawValue & Self.present != 0 }
  package var isStatic: Bool { rawValue & Self.isStaticBit != 0 }
  /// Static or of a control plane: it neither moves nor ages.
  var isPinned: Bool { rawValue & (Self.isStaticBit | Self.controlBit) != 0 }
  var isFrozen: Bool { rawValue & Self.frozenBit != 0 }
  /// Present, learned, and not frozen; in storage in use.
  var isPlain: Bool { rawValue & 0xFF == Self.present }
  /// Whether frames to the address have a way of their own.
  var hasWay: Bool { rawValue & (Self.present | Self.frozenBit) == Self.present }
  package var remote: Remote { Remote(rawValue: UInt16(truncatingIfNeeded: rawValue >> 16)) }
  var origin: FDBOrigin { FDBOrigin(rawValue: UInt8(truncatingIfNeeded: rawValue >> 8)) ?? .learned }
  package var stamp: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }

  /// Seconds since the stamp. Another thread's clock reading may be a little ahead of `now`: that is a negative age.
  func age(now: UInt32) -> Int32 { Int32(bitPattern: now &- stamp) }
}
