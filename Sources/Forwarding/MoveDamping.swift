/// Counts the moves of the addresses of a shard and tells which address moves too often to be believed.
///
/// Only addresses that moved are in it, each until its moves do not count any more, or its entry is deleted, flushed or
/// set. Bounded: while it is full of such, further addresses move without being counted.
///
/// Open addressing by the keyed hash of an address, at most seven eighths full. Storage begins small, is made anew when
/// it is used up, without what does not count, and goes with `sweep` when nothing in it counts.
///
/// *Memory.* 16 bytes a slot: 8 KB at most; nothing before the first move.
/// *Threads.* One at a time. At most 512 slots are copied at once; when all of them count, once a second.
/// - SeeAlso: RFC 7432, section 15.1.
struct MoveDamping {
  /// Seconds without a frame that contradicts the one before, after which a frozen address is learned anew.
  static let freezeTime: Int32 = 30
  static let slotCountMax = 512
  static let addressCountMax = slotCountMax / 8 * 7
  private static let slotCountMin = 16

  private struct Slot {
    /// 0: never used, which ends a search.
    var hash: UInt64 = 0
    var moves = ChangeHistory()
  }

  private var slots: [Slot] = []
  /// Slots that have a hash, whether its moves count or not.
  private var usedCount = 0
  private var lastRebuild: UInt32?

  var slotCount: Int { slots.count }

  /// Notes a move of the address with a keyed hash; true when it is one too many, which forgets those before.
  mutating func noteMove(of hash: UInt64, now: UInt32) -> Bool {
    guard let index = index(of: hash) ?? newIndex(of: hash, now: now) else { return false }
    slots[index].moves.note(now: now)
    guard slots[index].moves.isTooMany(now: now) else { return false }
    slots[index].moves = ChangeHistory()
    return true
  }

  mutating func forget(_ hash: UInt64) {
    if let index = index(of: hash) { slots[index].moves = ChangeHistory() }
  }

  mutating func forgetAll() {
    slots = []
    usedCount = 0
  }

  /// Gives storage back that nothing, or little, in it counts.
  mutating func sweep(now: UInt32) {
    let liveCount = slots.count { $0.moves.counts(now: now) }
    if liveCount == 0 { return forgetAll() }
    if liveCount * 8 < slotCount, slotCount > Self.slotCountMin { rebuild(liveCount, now: now) }
  }

  private func index(of hash: UInt64) -> Int? {
    guard !slots.isEmpty else { return nil }
    let index = place(of: hash)
    return slots[index].hash == hash ? index : nil
  }

  /// A slot for an address that has none; nil when all that there are count.
  private mutating func newIndex(of hash: UInt64, now: UInt32) -> Int? {
    if !hasRoom {
      guard slotCount < Self.slotCountMax || lastRebuild != now else { return nil }
      rebuild(slots.count { $0.moves.counts(now: now) }, now: now)
      guard hasRoom else { return nil }
    }
    let index = place(of: hash)
    slots[index].hash = hash
    usedCount += 1
    return index
  }

  private var hasRoom: Bool { usedCount < slotCount / 8 * 7 }

  /// Copies what counts into storage that has room for as many again, if it may.
  private mutating func rebuild(_ liveCount: Int, now: UInt32) {
    var count = Self.slotCountMin
    while count < Self.slotCountMax, count < liveCount * 2 { count *= 2 }
    let old = slots
    slots = Array(repeating: Slot(), count: count)
    for slot in old where slot.moves.counts(now: now) { slots[place(of: slot.hash)] = slot }
    usedCount = liveCount
    lastRebuild = now
  }

  /// The slot that has the hash, or the unused one at which the search ended.
  private func place(of hash: UInt64) -> Int {
    var index = Int(truncatingIfNeeded: hash) & (slotCount &- 1)
    while slots[index].hash != hash, slots[index].hash != 0 { index = (index &+ 1) & (slotCount &- 1) }
    return index
  }
}
