import VXLAN

/// One part of the storage of a segment's bindings: small enough that growing it, or looking at all of it, is done
/// within some tens of microseconds.
///
/// A binding lies in one of the slots that begin with its hash. Storage begins small, doubles when half of it is in
/// use, and is given back when nothing is left.
struct NeighborPage: Sendable {
  private(set) var slots: [NeighborBinding?] = []
  private(set) var count = 0

  /// The slot that has the binding of `address`, of whatever age.
  func index(of address: IPAddress, hash: UInt64) -> Int? {
    firstIndex(hash) { $0?.address == address }
  }

  /// A slot for a binding with this hash: unused, or of a binding that is over. Nil when there is none and the storage
  /// has its full size.
  /// - Parameters:
  ///   - hashOf: of another binding's address; asked for when storage grows.
  ///   - lost: gets those that find no slot in storage that grew, which chance hardly ever brings about.
  mutating func freeIndex(
    _ hash: UInt64, now: UInt32, hashOf: (IPAddress) -> UInt64, lost: inout [NeighborBinding]
  ) -> Int? {
    if count * 2 >= slots.count { grow(hashOf, &lost) }
    while true {
      if let index = firstIndex(hash, where: { $0?.isOver(now: now) ?? true }) { return index }
      guard grow(hashOf, &lost) else { return nil }
    }
  }

  /// Replaces what a slot holds.
  mutating func replace(_ index: Int, with binding: NeighborBinding?) {
    count += (binding == nil ? 0 : 1) - (slots[index] == nil ? 0 : 1)
    slots[index] = binding
    if count == 0 { slots = [] }
  }

  private func firstIndex(_ hash: UInt64, where isRight: (NeighborBinding?) -> Bool) -> Int? {
    guard !slots.isEmpty else { return nil }
    for step in 0..<min(Limits.bindingSlotsPerKey, slots.count) {
      let index = (Int(truncatingIfNeeded: hash) &+ step) & (slots.count - 1)
      if isRight(slots[index]) { return index }
    }
    return nil
  }

  /// False when the storage has its full size.
  @discardableResult
  private mutating func grow(_ hashOf: (IPAddress) -> UInt64, _ lost: inout [NeighborBinding]) -> Bool {
    guard slots.count < Limits.bindingSlotsPerPageMax else { return false }
    let old = slots
    slots = Array(repeating: nil, count: max(Limits.bindingSlotsPerPageMin, old.count * 2))
    for case let binding? in old {
      if let index = firstIndex(hashOf(binding.address), where: { $0 == nil }) {
        slots[index] = binding
      } else {
        count -= 1
        lost.append(binding)
      }
    }
    return true
  }
}
