/// Whether a worker that has nothing to do looks again and again for a little while before it sleeps.
///
/// An answer is probably near when little comes, and a round trip is then a third shorter. Amid a bulk the worker
/// sleeps at once, since what it would burn is what the sender needs. Where spinning has not helped a few times, as on
/// a busy machine where others want the processor, it is left out more and more often: 1, 3, 7 ... 63 times between
/// two trials.
struct SpinPolicy {
  /// How long one spin lasts at most.
  static let nanoseconds: UInt64 = 50_000
  /// Spins in vain before the first is left out.
  static let patience = 4
  private static let doublingMax = 6

  private var isSpinning = false
  private var vainCount = 0
  /// Sleeps before the next trial, the one that a spin in vain ends with among them.
  private var skipCount = 0

  /// Whether to look again rather than to sleep.
  /// - Parameters:
  ///   - idle: nanoseconds since something came.
  ///   - isLittle: little came lately.
  mutating func looksAgain(idle: UInt64, isLittle: Bool) -> Bool {
    if isLittle, skipCount == 0, idle < Self.nanoseconds {
      isSpinning = true
      return true
    }
    if isSpinning {
      isSpinning = false
      vainCount = min(vainCount + 1, Self.patience + Self.doublingMax - 1)
      if vainCount >= Self.patience { skipCount = 2 << (vainCount - Self.patience) }
    }
    return false
  }

  /// Something came, during a spin or after a sleep: to be said once, however many batches it is.
  mutating func noteWork() {
    if isSpinning {
      isSpinning = false
      vainCount = 0
    } else if skipCount > 0 {
      skipCount -= 1
    }
  }
}
