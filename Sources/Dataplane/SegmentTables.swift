import Forwarding
import VXLAN

/// What is known of one segment, in its slot of the overlay's state, for as long as a generation has the segment.
///
/// *Threads.* Made by one thread before anybody looks at it; goes with the last generation, on whatever thread, when
/// nobody looks any more.
final class SegmentTables: Sendable {
  let slot: Int
  /// Which addresses are at which stations behind the peers.
  let neighbors: NeighborTable
  private let state: OverlayState

  /// Empty tables, but for static entries. The slot must be free.
  init(of plan: SegmentPlan, slot: Int, state: OverlayState, now: Instant) {
    self.slot = slot
    self.state = state
    state.claim(segment: slot)
    neighbors = NeighborTable(hash: state.hash, peerCount: Forwarding.Limits.peerSlotCount)
    (state.tables + slot).initialize(
      to: FDB(limit: plan.fdbLimit, peerLimits: state.peerLimits, hash: state.hash, gracePeriod: state.gracePeriod))
    for entry in plan.staticEntries {
      state.tables[slot].set(entry.mac, at: .peer(entry.peer), by: .configuration, now: now.seconds)
    }
    state.flooding.occupy(slot, stormLimit: plan.stormLimit)
    state.limits.setFrameByteCountMax(plan.frameByteCountMax, ofSegment: slot)
  }

  deinit {
    state.flooding.vacate(slot)
    (state.tables + slot).deinitialize(count: 1)
    state.release(segment: slot)
  }

  /// Forgets what is known of a peer that has left the segment.
  func remove(peer slot: Int, now: Instant) {
    state.tables[self.slot].removeAll(at: .peer(slot))
    neighbors.removeAll(at: .peer(slot))
    state.flooding.parts.groups[self.slot].remove(peer: slot, now: now)
  }

  /// Follows a plan of the same segment.
  func follow(_ plan: SegmentPlan, after old: SegmentPlan, now: Instant) {
    let table = state.tables + slot
    if plan.fdbLimit != old.fdbLimit { table.pointee.setLimit(plan.fdbLimit) }
    if plan.stormLimit != old.stormLimit {
      state.flooding.parts.storms[slot].setRate(perSecond: plan.stormLimit)
    }
    if plan.frameByteCountMax != old.frameByteCountMax {
      state.limits.setFrameByteCountMax(plan.frameByteCountMax, ofSegment: slot)
    }
    // What is not followed any more would be wrong when it is again.
    if !plan.learns, old.learns { _ = table.pointee.flush() }
    if !plan.suppressesNeighbors, old.suppressesNeighbors { neighbors.removeAll() }
    if !plan.snoopsMulticast, old.snoopsMulticast { state.flooding.parts.groups[slot].removeAll(now: now) }
    followEntries(plan, after: old, now: now)
  }

  private func followEntries(_ plan: SegmentPlan, after old: SegmentPlan, now: Instant) {
    let table = state.tables + slot
    let wanted = Dictionary(plan.staticEntries.map { ($0.mac, $0.peer) }) { _, last in last }
    for entry in old.staticEntries where wanted[entry.mac] == nil {
      guard table.pointee.entry(of: entry.mac)?.origin == .configuration else { continue }
      table.pointee.remove(entry.mac)
    }
    // What is configured as before is left as somebody may have made it since.
    let before = Dictionary(old.staticEntries.map { ($0.mac, $0.peer) }) { _, last in last }
    for (mac, peer) in wanted where before[mac] != peer {
      if let entry = table.pointee.entry(of: mac), entry.origin == .configuration, entry.remote == .peer(peer) {
        continue
      }
      table.pointee.set(mac, at: .peer(peer), by: .configuration, now: now.seconds)
    }
  }
}
