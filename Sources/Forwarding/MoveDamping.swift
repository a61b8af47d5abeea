/// Counts the moves of addresses and tells which address moves too often to be believed.
///
/// Only addresses that moved are in it, and each for the time in which its moves count. Bounded: while it is full of
/// such, further addresses move without being counted.
///
/// *Threads.* One at a time.
/// - SeeAlso: RFC 7432, section 15.1.
struct MoveDamping {
  /// So many moves ...
  static let moveCountMax = 5
  /// ... in less than so many seconds are too many.
  static let moveTime: Int32 = 180
  /// Seconds without a frame that contradicts the one before, after which a frozen address is learned anew.
  static let freezeTime: Int32 = 30
  /// As many addresses as a part of the table has entries in the mean, and a quarter of its memory.
  static let addressCountMax = 512

  /// The moves before the next one that could be too many.
  private struct Moves {
    /// Seconds, the newest first.
    var times = SIMD4<UInt32>()
    var count = 0
  }

  private var moves: [UInt64: Moves] = [:]
  private var lastSweep: UInt32?

  var addressCount: Int { moves.count }

  /// Notes a move; true when it is one too many, which forgets those before.
  mutating func noteMove(of key: MACKey, now: UInt32) -> Bool {
    guard var recent = moves[key.rawValue] else {
      makeRoom(now: now)
      if moves.count < Self.addressCountMax { moves[key.rawValue] = Moves(times: SIMD4(now, 0, 0, 0), count: 1) }
      return false
    }
    if recent.count == Self.moveCountMax - 1, Self.isRecent(recent.times[3], now: now) {
      moves[key.rawValue] = nil
      return true
    }
    recent.times = SIMD4(now, recent.times[0], recent.times[1], recent.times[2])
    recent.count = min(recent.count + 1, Self.moveCountMax - 1)
    moves[key.rawValue] = recent
    return false
  }

  /// Forgets the addresses whose last move does not count any more, at most once a second.
  private mutating func makeRoom(now: UInt32) {
    guard moves.count >= Self.addressCountMax, lastSweep != now else { return }
    lastSweep = now
    moves = moves.filter { Self.isRecent($0.value.times[0], now: now) }
  }

  private static func isRecent(_ time: UInt32, now: UInt32) -> Bool {
    Int32(bitPattern: now &- time) < moveTime
  }
}
