import Sealing

/// Memory that an engine uses within one call: what is opened in one go, and how each copy of a flooded run is sealed.
struct SealedScratch: ~Copyable {
  // SAFETY: both are owned until `deinit`; indexed below `openingCountMax`, and below the number of peers.
  let slots: UnsafeMutablePointer<Opener.Slot>
  /// By position in a flood list.
  let ways: UnsafeMutablePointer<Engine.SealedWay?>

  init(peerCount: Int) {
    slots = .allocate(capacity: Limits.openingCountMax)
    ways = .allocate(capacity: max(1, peerCount))
    ways.initialize(repeating: nil, count: max(1, peerCount))
  }

  deinit {
    slots.deallocate()
    ways.deallocate()
  }
}
