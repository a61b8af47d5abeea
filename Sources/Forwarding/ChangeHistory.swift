/// When something changed, the last five times: whether it changes too often to be believed.
///
/// 8 bytes: the second of the last change, and how many seconds each of the four before it came before the next.
///
/// *Units.* Seconds, `Instant.seconds`. Another thread's clock reading may be a little ahead: nothing is then 0 s old.
/// - SeeAlso: RFC 7432, section 15.1, for MAC addresses; RFC 9161, section 3.7, for the addresses of stations.
struct ChangeHistory: Equatable, Sendable {
  /// So many changes ...
  static let countMax = 5
  /// ... in less than so many seconds are too many.
  static let seconds: UInt32 = 180

  /// In the place of a change that there was not.
  private static let none: UInt8 = .max

  private var last: UInt32 = 0
  /// The newest first, 180 at most.
  private var gaps = SIMD4<UInt8>(repeating: none)

  /// Notes a change.
  mutating func note(now: UInt32) {
    if isEmpty {
      gaps = SIMD4(repeating: UInt8(Self.seconds))
      last = now
    } else {
      let age = age(now: now)
      gaps = SIMD4(UInt8(min(age, Self.seconds)), gaps[0], gaps[1], gaps[2])
      last &+= age
    }
  }

  /// Whether the last five changes came within the time, up to `now`.
  func isTooMany(now: UInt32) -> Bool {
    let gapSum = UInt32(gaps[0]) &+ UInt32(gaps[1]) &+ UInt32(gaps[2]) &+ UInt32(gaps[3])
    return !isEmpty && age(now: now) < Self.seconds && age(now: now) &+ gapSum < Self.seconds
  }

  /// Whether a change counts still; otherwise it may be forgotten.
  func counts(now: UInt32) -> Bool { !isEmpty && age(now: now) < Self.seconds }

  private var isEmpty: Bool { gaps[0] == Self.none }

  private func age(now: UInt32) -> UInt32 { UInt32(max(0, Int32(bitPattern: now &- last))) }
}
