import Forwarding
import Sealing

/// Memory that an engine uses within one call: what is opened in one go, and how each copy of a flooded run is sealed.
struct SealedScratch: ~Copyable {
  // SAFETY: all are owned until `deinit`; indexed below `openingCountMax`, and below the number of peers. A position
  // of a list is written before it is read.
  let slots: UnsafeMutablePointer<Opener.Slot>
  /// By position in a flood list: what seals the copy, if anything does, and whether it waits.
  let ways: UnsafeMutablePointer<Engine.SealedWay?>
  let waits: UnsafeMutablePointer<Bool>

  private let wayMemory = SlotMemory<Engine.SealedWay?>(count: Forwarding.Limits.peerSlotCount)
  private let waitMemory = SlotMemory<Bool>(count: Forwarding.Limits.peerSlotCount)

  init() {
    slots = .allocate(capacity: Limits.openingCountMax)
    (ways, waits) = (wayMemory.start, waitMemory.start)
  }

  deinit {
    slots.deallocate()
  }
}
