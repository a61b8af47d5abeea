/// Where the entry of an address is in its shard, or would be. Means nothing once the shard's lock is released.
struct FDBPlace {
  let table: FDBTable
  let shard: Int
  let hash: UInt64
  let index: Int
  /// Whether the slot has the key of the address; else it is the unused one for it.
  let isUsed: Bool

  /// Puts `new` in the place of whatever value is there, and answers what it was. Under the lock, so that only stamps
  /// change meanwhile: workers refresh without it, and each refresh that comes in between costs one more round.
  @discardableResult
  func exchange(for new: FDBValue) -> FDBValue {
    while true {
      let value = table.value(at: index)
      if table.replace(value, with: new, at: index) { return value }
    }
  }
}

extension FDB {
  /// Under the lock of the shard.
  borrowing func place(of key: MACKey, _ hash: UInt64, shard: Int) -> FDBPlace {
    let table = table(ofShard: shard)
    let (index, isUsed) = table.slot(of: key, hash: hash)
    return FDBPlace(table: table, shard: shard, hash: hash, index: index, isUsed: isUsed)
  }

  /// Writes `value` into the place of `key`, which has no entry; takes new storage when slots run short.
  borrowing func put(_ key: MACKey, _ place: FDBPlace, _ value: FDBValue, _ state: inout FDBShard.State) {
    state.entryCount += 1
    if place.isUsed {
      place.exchange(for: value)
      return
    }
    state.usedSlotCount += 1
    guard state.usedSlotCount * 4 > (place.table.mask + 1) * 3 else {
      return place.table.fill(place.index, key: key, value: value)
    }
    rebuild(shard: place.shard, &state)
    let table = table(ofShard: place.shard)
    table.fill(table.slot(of: key, hash: place.hash).index, key: key, value: value)
    state.usedSlotCount += 1
  }

  // COLD
  /// Replaces the storage of a shard by one with room for twice the entries, without the keys that have none. Under the
  /// lock.
  @inline(never)
  borrowing func rebuild(shard: Int, _ state: inout FDBShard.State) {
    var slotCount = Limits.slotCountMin
    while slotCount < state.entryCount * 2 { slotCount *= 2 }
    let old = table(ofShard: shard)
    let new = FDBTable(slotCount: slotCount)
    state.usedSlotCount = 0
    for index in 0...old.mask {
      guard let key = old.key(at: index), old.value(at: index).isPresent else { continue }
      let value = old.markCopied(at: index)
      new.fill(new.slot(of: key, hash: hash(key.rawValue)).index, key: key, value: value)
      state.usedSlotCount += 1
    }
    replaceTable(ofShard: shard, with: new, &state)
  }
}
