/// Which slot each of the things that are wanted gets: the one that it has, or one that nothing has and nobody looks at
/// any more.
package struct SlotPlan<Key: Hashable & Sendable>: Sendable {
  /// Of everything that is wanted.
  package private(set) var slots: [Key: Int] = [:]
  /// In which the same thing stays.
  package private(set) var kept: Set<Int> = []
  /// That get something.
  package private(set) var fresh: Set<Int> = []
  /// That had something which is in no slot any more, or in another.
  package private(set) var vacated: Set<Int>

  /// Nil: there are too few slots.
  /// - Parameters:
  ///   - inUse: the keys of what there is.
  ///   - wanted: each once.
  ///   - replaced: keys of wanted things that are to leave their slots, since they change too much to stay.
  ///   - busy: slots that have nothing and may not be used yet.
  ///   - slotCount: how many slots there are.
  package init?(
    inUse: Slots<Key>, wanted: [Key], replacing replaced: Set<Key> = [], busy: Set<Int> = [], slotCount: Int
  ) {
    vacated = Set(inUse.indices)
    let slotByKey = Dictionary(uniqueKeysWithValues: inUse.indices.map { (inUse[$0], $0) })
    for key in wanted where !replaced.contains(key) {
      guard let slot = slotByKey[key] else { continue }
      slots[key] = slot
      kept.insert(slot)
      vacated.remove(slot)
    }
    var next = 0
    for key in wanted where slots[key] == nil {
      while inUse.isOccupied(next) || busy.contains(next) { next += 1 }
      guard next < slotCount else { return nil }
      slots[key] = next
      fresh.insert(next)
      next += 1
    }
  }
}
