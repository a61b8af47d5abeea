import Synchronization

/// How many dynamic entries each peer may have in one segment, for the tables of all segments.
///
/// *Threads.* Any; a table sees a new limit with the next address.
package final class FDBPeerLimits: Sendable {
  /// By remote, 0 = no limit of its own.
  private let memory: SlotMemory<Atomic<Int>>

  /// Room for `slotCount` peers, none of them limited.
  package init(slotCount: Int) {
    memory = SlotMemory(count: slotCount + 1)
  }

  /// - Parameter limits: by peer slot.
  convenience init(_ limits: [Int]) {
    self.init(slotCount: limits.count)
    for (slot, limit) in limits.enumerated() { set(limit, ofPeer: slot) }
  }

  /// Remotes that a table with these limits can have: local, and each peer.
  var remoteCount: Int { memory.count }

  // SAFETY: lasts as long as this object; indexed by remotes, which are below the count.
  var cells: UnsafeMutablePointer<Atomic<Int>> { memory.start }

  /// Dynamic entries of the peer in one segment at most; 0 = no limit of its own.
  package func set(_ limit: Int, ofPeer slot: Int) {
    precondition(slot >= 0 && slot + 1 < remoteCount)
    memory.start[slot + 1].store(limit, ordering: .relaxed)
  }
}
