import Synchronization

/// What became of the handshakes that workers offered: counted by whoever judged them, since the workers do not know.
///
/// *Threads.* Any.
package final class SealedCounters: Sendable {
  private let consumedCount = Atomic<UInt64>(0)
  private let refusedCount = Atomic<UInt64>(0)
  private let byteCount = Atomic<UInt64>(0)

  package init() {}

  /// A valid one, of so many bytes of UDP payload.
  package func noteConsumed(bytes: Int) {
    consumedCount.wrappingAdd(1, ordering: .relaxed)
    byteCount.wrappingAdd(UInt64(bytes), ordering: .relaxed)
  }

  /// One that ended under the drop reason `handshake`.
  package func noteRefused(bytes: Int) {
    refusedCount.wrappingAdd(1, ordering: .relaxed)
    byteCount.wrappingAdd(UInt64(bytes), ordering: .relaxed)
  }

  /// Valid ones.
  package var acceptedCount: UInt64 { consumedCount.load(ordering: .relaxed) }
  /// Those that ended under the drop reason `handshake` here; what workers judged alone is not among them.
  package var refusedTotal: UInt64 { refusedCount.load(ordering: .relaxed) }

  /// Goes on from what another process counted.
  package func carry(consumed: UInt64, refused: UInt64, bytes: UInt64) {
    consumedCount.wrappingAdd(consumed, ordering: .relaxed)
    refusedCount.wrappingAdd(refused, ordering: .relaxed)
    byteCount.wrappingAdd(bytes, ordering: .relaxed)
  }

  /// What was counted: valid ones, others, and the bytes of all.
  package var counts: (consumed: UInt64, refused: UInt64, bytes: UInt64) {
    (
      consumedCount.load(ordering: .relaxed), refusedCount.load(ordering: .relaxed), byteCount.load(ordering: .relaxed)
    )
  }

  /// The workers' sum and these: datagrams of the underlay, of no segment.
  package func added(to sum: CounterSnapshot) -> CounterSnapshot {
    let (consumed, refused, bytes) = counts
    var all = sum
    all.add(consumed &+ refused, to: .framesIn, .underlay)
    all.add(bytes, to: .bytesIn, .underlay)
    all.add(consumed, to: .consumed, .underlay)
    all.add(refused, to: .handshake, .underlay)
    return all
  }
}
