import Sealing

/// Memory that an engine uses within one call: what is opened in one go, and how each copy of a flooded run is sealed.
struct SealedScratch: ~Copyable {
  // SAFETY: all are owned until `deinit`; indexed below `openingCountMax`, and below the number of peers.
  let slots: UnsafeMutablePointer<Opener.Slot>
  /// By position in a flood list: what seals the copy, if anything does, and whether it waits.
  let ways: UnsafeMutablePointer<Engine.SealedWay?>
  let waits: UnsafeMutablePointer<Bool>

  init(peerCount: Int) {
    slots = .allocate(capacity: Limits.openingCountMax)
    ways = .allocate(capacity: max(1, peerCount))
    ways.initialize(repeating: nil, count: max(1, peerCount))
    waits = .allocate(capacity: max(1, peerCount))
    waits.initialize(repeating: false, count: max(1, peerCount))
  }

  deinit {
    slots.deallocate()
    ways.deallocate()
    waits.deallocate()
  }
}
