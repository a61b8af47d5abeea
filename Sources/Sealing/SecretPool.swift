import CSodium
import Synchronization

/// Locked memory for secrets of one size, many to a region: a region is what `sodium_malloc` gives, locked, between
/// guard pages and absent from core dumps. A process has some ten thousand mappings, and each region takes four.
///
/// *Threads.* Any: a session's keys go with the last worker that lets go of them.
final class SecretPool: Sendable {
  /// With the canary that libsodium puts in front, a multiple of any page; and so slots begin at a multiple of 64.
  static let regionByteCount = 65_536 - 64
  /// For keys and shared secrets, and for the two prepared keys of a session.
  static let small = SecretPool(slotByteCount: 64)
  static let large = SecretPool(slotByteCount: 1_024)

  /// A place for one secret. Given back once.
  struct Slot {
    fileprivate let region: UInt
    fileprivate let number: Int
    fileprivate let byteCount: Int

    /// Valid until the slot is given back.
    var start: UnsafeMutableRawPointer {
      // SAFETY: the region stays as long as a slot of it is in use, and the slot lies inside of it.
      guard let base = UnsafeMutableRawPointer(bitPattern: region) else { preconditionFailure("a region has memory") }
      return base + number * byteCount
    }
  }

  let slotByteCount: Int
  /// Slots that are free, by the address of their region; the one to take from, while it has any.
  private let regions = Mutex<(free: [UInt: [Int]], open: UInt?)>((free: [:], open: nil))

  private init(slotByteCount: Int) {
    self.slotByteCount = slotByteCount
  }

  /// The pool whose slots fit `byteCount` best; nil where none does.
  static func fitting(_ byteCount: Int) -> SecretPool? {
    [small, large].first { byteCount <= $0.slotByteCount }
  }

  var slotCount: Int { Self.regionByteCount / slotByteCount }
  /// How many regions there are.
  var regionCount: Int { regions.withLock { $0.free.count } }

  /// How many regions so many secrets take.
  func regionCount(for secretCount: Int) -> Int { (secretCount + slotCount - 1) / slotCount }

  /// A slot, whose bytes are anything; nil where the kernel gives no more memory.
  func take() -> Slot? {
    regions.withLock { regions in
      let region = regions.open ?? regions.free.first { !$0.value.isEmpty }?.key ?? Self.newRegion()
      guard let region else { return nil }
      // In place: the list of a region has up to a thousand numbers.
      let number = regions.free[region, default: Array((0..<slotCount).reversed())].removeLast()
      regions.open = regions.free[region]?.isEmpty == true ? nil : region
      return Slot(region: region, number: number, byteCount: slotByteCount)
    }
  }

  /// Gives a slot back, wiped by its user. A region without any goes, but for the last.
  func give(back slot: Slot) {
    regions.withLock { regions in
      regions.free[slot.region]?.append(slot.number)
      guard regions.free[slot.region]?.count == slotCount, regions.free.count > 1 else { return }
      regions.free[slot.region] = nil
      if regions.open == slot.region { regions.open = nil }
      // SAFETY: no slot of it is in use, and it is forgotten.
      sodium_free(UnsafeMutableRawPointer(bitPattern: slot.region))
    }
  }

  private static func newRegion() -> UInt? {
    sodium_malloc(regionByteCount).map { UInt(bitPattern: $0) }
  }
}
