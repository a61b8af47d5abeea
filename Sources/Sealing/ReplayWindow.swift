// HOT: one bit per received datagram. No allocation after the first, the only lock in a frame's way.
import CVXLAN
import Synchronization

/// Which counters of one key and lane were accepted: the 8,192 up to the highest, one bit each.
///
/// The bits are a ring; a counter that moves the window clears the bits of those between the old highest and itself.
///
///     counter                       pre-check, accept
///     above the highest             yes: the window moves
///     0...8191 below the highest    yes, unless its bit is set
///     8192 and more below           no
///
/// *Ownership.* A pointer to storage that `allocate` made and `deallocate` frees.
/// *Threads.* `mayAccept` by any thread; `accept` between `lock` and `unlock`.
/// - SeeAlso: RFC 6479, of which this is the variant without a spare word.
struct ReplayWindow {
  static let bitCount: UInt64 = 8192
  private static let wordCount = Int(bitCount / 64)
  private static let lockIndex = 0
  /// The highest accepted counter plus one; 0 before the first.
  private static let nextIndex = 1
  private static let firstBitsIndex = 2
  /// Pauses before the processor is given away: each takes some tens of nanoseconds.
  private static let spinCountMax = 128

  // SAFETY: `storage` has the two words above and the bits, all initialised, until `deallocate`.
  let storage: UnsafeMutablePointer<Atomic<UInt64>>

  static func allocate() -> ReplayWindow {
    let count = firstBitsIndex + wordCount
    let storage = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: count)
    for index in 0..<count { (storage + index).initialize(to: Atomic(0)) }
    return ReplayWindow(storage: storage)
  }

  func deallocate() {
    storage.deinitialize(count: Self.firstBitsIndex + Self.wordCount)
    storage.deallocate()
  }

  /// The highest accepted counter plus one.
  ///
  /// Acquired, and stored releasing after the bits were cleared that the window moved over: whoever sees the new number
  /// sees no bit of the counters that had those places before, and refuses nothing for it.
  @inline(__always)
  var next: UInt64 { storage[Self.nextIndex].load(ordering: .acquiring) }

  /// Whether `counter` would be accepted now. Without the lock this is a hint that spares the work of opening: a
  /// counter it refuses stays refused, one it lets through is judged again.
  @inline(__always)
  func mayAccept(_ counter: UInt64) -> Bool {
    let next = next
    guard counter < next else { return true }
    guard next &- counter <= Self.bitCount else { return false }
    return bits(of: counter).pointee.load(ordering: .relaxed) & Self.mask(of: counter) == 0
  }

  /// Accepts an authenticated datagram's `counter`, once. The caller has the lock.
  @inline(__always)
  func accept(_ counter: UInt64) -> Bool {
    let next = next
    if counter < next {
      guard next &- counter <= Self.bitCount else { return false }
    } else {
      clear(from: next, to: counter)
      storage[Self.nextIndex].store(counter &+ 1, ordering: .releasing)
    }
    let word = bits(of: counter).pointee.load(ordering: .relaxed)
    guard word & Self.mask(of: counter) == 0 else { return false }
    bits(of: counter).pointee.store(word | Self.mask(of: counter), ordering: .relaxed)
    return true
  }

  /// Waits until no other thread is between `lock` and `unlock`, which is the time of a few memory accesses per
  /// datagram of a run.
  @inline(__always)
  func lock() {
    while storage[Self.lockIndex].exchange(1, ordering: .acquiring) != 0 { waitForUnlock() }
  }

  /// Spins for some microseconds; whoever has the lock then has lost its processor, and is given this one.
  // COLD: two workers have a run of one lane at one moment only where the underlay changes a flow's source port.
  @inline(never)
  private func waitForUnlock() {
    var round = 0
    while storage[Self.lockIndex].load(ordering: .relaxed) != 0 {
      if round < Self.spinCountMax { cvxlan_pause() } else { cvxlan_yield() }
      round &+= 1
    }
  }

  @inline(__always)
  func unlock() {
    storage[Self.lockIndex].store(0, ordering: .releasing)
  }

  /// Clears the bits of `first`...`last`: nearly always one.
  @inline(__always)
  private func clear(from first: UInt64, to last: UInt64) {
    if first == last {
      let word = bits(of: first)
      word.pointee.store(word.pointee.load(ordering: .relaxed) & ~Self.mask(of: first), ordering: .relaxed)
    } else {
      clearMany(from: first, to: last)
    }
  }

  @inline(never)
  private func clearMany(from first: UInt64, to last: UInt64) {
    if last &- first >= Self.bitCount {
      for index in 0..<Self.wordCount { storage[Self.firstBitsIndex &+ index].store(0, ordering: .relaxed) }
      return
    }
    var counter = first
    while counter <= last {
      let lastOfWord = min(counter | 63, last)
      let low = ~UInt64(0) &<< (counter & 63)
      let high = ~UInt64(0) &>> (63 &- (lastOfWord & 63))
      let word = bits(of: counter)
      word.pointee.store(word.pointee.load(ordering: .relaxed) & ~(low & high), ordering: .relaxed)
      counter = lastOfWord &+ 1
    }
  }

  @inline(__always)
  private func bits(of counter: UInt64) -> UnsafeMutablePointer<Atomic<UInt64>> {
    storage + (Self.firstBitsIndex &+ (Int(truncatingIfNeeded: counter &>> 6) & (Self.wordCount &- 1)))
  }

  @inline(__always)
  private static func mask(of counter: UInt64) -> UInt64 { 1 &<< (counter & 63) }
}
