import Forwarding
import LinuxIO
import Sealing
import Synchronization
import VXLAN

/// The keys of all sessions as workers see them: by index what opens, by peer what seals and where to.
///
/// What a worker finds stays valid until its next batch boundary. What is replaced or retired is given up in two steps:
/// at once nobody finds it any more, and when no worker can still use it, `collect` lets go of it.
///
/// *Threads.* Written by the control thread alone. Read by workers without lock or reference count: a load and, for an
/// index, a short search.
package final class Keyring: @unchecked Sendable {
  /// What frames to one peer are sealed with.
  struct Sending {
    /// The key seals nothing from this moment on.
    let until: UInt64
    // SAFETY: one for each lane; owned with this value.
    let sealers: UnsafeMutablePointer<Sealer>
    let tagByteCount: Int
    /// Keeps what `sealers` point to.
    private let key: SealingKey

    init(_ key: SealingKey, until: Instant) {
      self.key = key
      self.until = until.nanoseconds
      tagByteCount = key.cipher.tagByteCount
      sealers = .allocate(capacity: SealingKey.laneCount)
      for lane in 0..<SealingKey.laneCount {
        (sealers + lane).initialize(to: key.sealer(lane: UInt8(lane)))
      }
    }

    func deallocate() { sealers.deallocate() }
  }

  /// Memory that nobody finds any more, and the period after which nobody uses it.
  private struct Retired {
    let period: UInt64
    let free: () -> Void
  }

  private typealias SendingCell = Atomic<UnsafeMutablePointer<Sending>?>
  private typealias DestinationCell = Atomic<UnsafeMutablePointer<Destination>?>

  // SAFETY: of the memory below, which this object keeps; slots are compared with the count where they are set, and
  // are those of the topology where they are read.
  private let sendings: UnsafeMutablePointer<SendingCell>
  private let destinations: UnsafeMutablePointer<DestinationCell>
  private let sendingMemory: SlotMemory<SendingCell>
  private let destinationMemory: SlotMemory<DestinationCell>
  private var peerCount: Int { sendingMemory.count }
  private let openings: OpeningTable
  private let gracePeriod: GracePeriod

  // The control thread's own.
  private var retired: [Retired] = []
  /// One above the highest slot that was ever set.
  private var slotCount = 0

  /// No keys, and no way to any peer.
  /// - Parameters:
  ///   - peerCount: of slots.
  ///   - gracePeriod: that of the workers, which is their topology's.
  package init(peerCount: Int = Forwarding.Limits.peerSlotCount, gracePeriod: GracePeriod) {
    self.gracePeriod = gracePeriod
    openings = OpeningTable()
    sendingMemory = SlotMemory(count: peerCount)
    destinationMemory = SlotMemory(count: peerCount)
    (sendings, destinations) = (sendingMemory.start, destinationMemory.start)
  }

  deinit {
    // Nobody reads any more: a reader would hold this object.
    for slot in 0..<slotCount {
      Self.freer(of: sendings[slot].load(ordering: .acquiring))()
      Self.freer(of: destinations[slot].load(ordering: .acquiring))()
    }
    for item in retired { item.free() }
  }

  /// Accepts datagrams with the key's index from now on, as the peer's, up to `until`.
  package func accept(_ key: OpeningKey, fromPeer slot: Int, until: Instant) {
    precondition(slot >= 0 && slot < peerCount)
    if let old = openings.insert(key, peer: slot, until: until) { give(up: old) }
  }

  /// Seals frames to the peer with `key` from now on, up to `until`; nil: there is no session, they wait.
  package func seal(with key: SealingKey?, until: Instant, toPeer slot: Int) {
    precondition(slot >= 0 && slot < peerCount)
    slotCount = max(slotCount, slot + 1)
    var fresh: UnsafeMutablePointer<Sending>?
    if let key {
      let place = UnsafeMutablePointer<Sending>.allocate(capacity: 1)
      place.initialize(to: Sending(key, until: until))
      fresh = place
    }
    let old = sendings[slot].exchange(fresh, ordering: .acquiringAndReleasing)
    give(up: Self.freer(of: old))
  }

  /// Sealed datagrams to the peer go there from now on.
  package func move(peer slot: Int, to endpoint: Endpoint) {
    precondition(slot >= 0 && slot < peerCount)
    slotCount = max(slotCount, slot + 1)
    let fresh = UnsafeMutablePointer<Destination>.allocate(capacity: 1)
    fresh.initialize(to: Destination(endpoint))
    let old = destinations[slot].exchange(fresh, ordering: .acquiringAndReleasing)
    give(up: Self.freer(of: old))
  }

  /// The peer has left: nothing is sealed to its slot, and its slot has no way. What opens is retired by index.
  package func vacate(peer slot: Int) {
    precondition(slot >= 0 && slot < peerCount)
    give(up: Self.freer(of: sendings[slot].exchange(nil, ordering: .acquiringAndReleasing)))
    give(up: Self.freer(of: destinations[slot].exchange(nil, ordering: .acquiringAndReleasing)))
  }

  /// Accepts nothing with this index any more. An index that is not there is no error.
  package func retire(index: UInt32) {
    if let old = openings.remove(index) { give(up: old) }
  }

  /// Lets go of what no worker can still use, so that keys that nobody else has are wiped. Answers whether nothing is
  /// left; while something is, it is to be called again soon.
  package func collect() -> Bool {
    var kept: [Retired] = []
    for item in retired {
      if gracePeriod.isOver(item.period) { item.free() } else { kept.append(item) }
    }
    retired = kept
    return retired.isEmpty
  }

  // HOT
  /// What seals to the peer at this moment, up to its `until`; nil without a session.
  @inline(__always)
  func sending(toPeer slot: Int) -> UnsafeMutablePointer<Sending>? { sendings[slot].load(ordering: .acquiring) }

  // HOT
  @inline(__always)
  func destination(ofPeer slot: Int) -> UnsafeMutablePointer<Destination>? {
    destinations[slot].load(ordering: .acquiring)
  }

  // HOT
  /// What opens datagrams with this index; nil when nothing does.
  @inline(__always)
  func opening(_ index: UInt32) -> UnsafeMutablePointer<OpeningTable.Opening>? { openings.opening(index) }

  private func give(up free: @escaping () -> Void) {
    retired.append(Retired(period: gracePeriod.begin(), free: free))
  }

  private static func freer(of sending: UnsafeMutablePointer<Sending>?) -> () -> Void {
    guard let sending else { return {} }
    return {
      sending.pointee.deallocate()
      sending.deinitialize(count: 1)
      sending.deallocate()
    }
  }

  private static func freer(of destination: UnsafeMutablePointer<Destination>?) -> () -> Void {
    guard let destination else { return {} }
    return {
      destination.deinitialize(count: 1)
      destination.deallocate()
    }
  }
}
