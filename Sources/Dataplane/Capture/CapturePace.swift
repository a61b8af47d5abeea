/// How much a worker may spend on captures, whatever their readers take: an allowance in bytes, so that frames come
/// first.
///
/// A byte that is copied costs about 0.1 ns and a record 30 ns, so that this is below a twentieth of the worker's time.
/// What is above it is missed, like what finds no place.
struct CapturePace {
  /// Of the allowance, beside the bytes that are kept.
  static let recordCost = 256
  /// A quarter of a byte a nanosecond: 250 MB/s.
  static let nanosecondsPerByte: UInt64 = 4
  /// What a worker may spend at once after a pause.
  static let burstByteCount = 4 << 20

  private var rest = Self.burstByteCount
  private var since: UInt64 = 0

  /// A batch begins.
  mutating func advance(to now: UInt64) {
    let earned = min((now &- since) / Self.nanosecondsPerByte, UInt64(Self.burstByteCount))
    since = now
    rest = min(Self.burstByteCount, rest &+ Int(truncatingIfNeeded: earned))
  }

  /// Whether a record with so many bytes may be kept.
  mutating func take(_ byteCount: Int) -> Bool {
    guard rest > 0 else { return false }
    rest &-= Self.recordCost &+ byteCount
    return true
  }
}
