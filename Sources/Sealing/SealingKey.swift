import Synchronization
import VXLAN

/// The key that one side of a session sends with, and the counter of each lane. The counters are born and die with it:
/// there is no way to copy or to set them.
///
/// *Threads.* Each lane belongs to one thread, which seals with the lane's `Sealer` while this object lives. Reading
/// counts is for any thread.
package final class SealingKey: Sendable {
  /// Lanes 0 to 14 are workers, 15 is the control thread.
  package static let laneCount = 16
  package static let controlLane: UInt8 = 15
  /// No datagram is sealed with this counter or a higher one.
  package static let counterLimit: UInt64 = 1 << 40 - 1 << 13

  private let key: PreparedKey
  /// How the other side names the session.
  package let index: UInt32
  // SAFETY: `laneCount` cache lines, initialised, freed in `deinit`; the counters are atomic.
  private nonisolated(unsafe) let counters: UnsafeMutableRawPointer

  package var cipher: Cipher { key.cipher }

  init(_ key: PreparedKey, index: UInt32) {
    precondition(index <= SealedHeader.Word.indexMax)
    self.key = key
    self.index = index
    counters = .allocate(byteCount: Self.laneCount * Sealer.counterStride, alignment: Sealer.counterStride)
    for lane in 0..<Self.laneCount {
      (counters + lane * Sealer.counterStride).initializeMemory(as: Atomic<UInt64>.self, to: Atomic(0))
    }
  }

  deinit {
    counters.deallocate()
  }

  /// What one thread seals with. Valid while this object lives.
  package func sealer(lane: UInt8) -> Sealer {
    Sealer(
      cipher: cipher, preparedKey: key.pointer, counter: counter(lane),
      base: SealedHeader.Word(lane: lane, index: index, counter: 0))
  }

  /// How many datagrams were sealed on all lanes: at 2^32 the session is replaced.
  package var sealedCount: UInt64 {
    (0..<UInt8(Self.laneCount)).reduce(0) { $0 + counter($1).pointee.load(ordering: .relaxed) }
  }

  /// How many of them were frames, which are not on the control thread's lane.
  var frameCount: UInt64 { sealedCount - counter(Self.controlLane).pointee.load(ordering: .relaxed) }

  /// Puts a lane close to its end, for tests of the end: never backwards.
  func skipForTesting(lane: UInt8, to value: UInt64) {
    let counter = counter(lane)
    precondition(value >= counter.pointee.load(ordering: .relaxed))
    counter.pointee.store(value, ordering: .relaxed)
  }

  private func counter(_ lane: UInt8) -> UnsafeMutablePointer<Atomic<UInt64>> {
    precondition(lane <= SealedHeader.Word.laneMax)
    return (counters + Int(lane) * Sealer.counterStride).assumingMemoryBound(to: Atomic<UInt64>.self)
  }
}
