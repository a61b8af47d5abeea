import VXLAN

/// The storage of the bindings of one segment: bounded as a whole and for each peer, found by a keyed hash.
///
/// A binding lies in one of the slots that begin with its hash, however full the table is: looking up, adding and
/// removing touch so many and no more. Storage begins small and doubles; what is expired is replaced first. Of
/// addresses that meet in too few slots some stay unknown, which costs a flood.
///
/// *Threads.* One.
struct NeighborSlots: Sendable {
  private let hash: KeyedHash
  private let peerCount: Int
  /// Empty until the first binding: most segments of an idle agent never have one.
  private var slots: [NeighborBinding?] = []
  private(set) var count = 0
  /// By peer slot.
  private var countByPeer: [UInt32] = []
  private var lastSweep: UInt32 = 0

  /// - Parameter hash: keyed with a secret, so that nobody can choose addresses that meet.
  init(hash: KeyedHash, peerCount: Int) {
    self.hash = hash
    self.peerCount = peerCount
  }

  /// Where the binding of `address` is, if it has not expired.
  func index(of address: IPAddress, now: UInt32) -> Int? {
    guard !slots.isEmpty else { return nil }
    let first = firstIndex(of: address)
    for step in 0..<Limits.bindingSlotsPerKey {
      let index = (first &+ step) & (slots.count - 1)
      guard let binding = slots[index], binding.address == address else { continue }
      return binding.isExpired(now: now) ? nil : index
    }
    return nil
  }

  /// The binding at an index that was just found.
  subscript(index: Int) -> NeighborBinding {
    get {
      guard let binding = slots[index] else { preconditionFailure("a slot without a binding") }
      return binding
    }
    set { slots[index] = newValue }
  }

  /// Moves a binding to the account of another peer. False when that one has as many as it may: the binding is gone.
  mutating func assign(_ index: Int, to remote: Remote, now: UInt32) -> Bool {
    guard var binding = slots[index] else { return false }
    if binding.remote == remote { return true }
    remove(at: index)
    guard hasRoom(for: remote, now: now) else { return false }
    binding.remote = remote
    put(binding, at: index)
    return true
  }

  /// Adds the binding of an address that has none. False when there is no room.
  mutating func insert(_ binding: NeighborBinding, now: UInt32) -> Bool {
    if slots.isEmpty { allocate() }
    // An expired one of the same address is in the way.
    remove(binding.address)
    guard hasRoom(for: binding.remote, now: now) else { return false }
    if count * 2 >= slots.count { grow(now: now) }
    if let index = freeIndex(for: binding.address, now: now) {
      put(binding, at: index)
      return true
    }
    grow(now: now)
    guard let index = freeIndex(for: binding.address, now: now) else { return false }
    put(binding, at: index)
    return true
  }

  mutating func remove(_ address: IPAddress) {
    guard !slots.isEmpty else { return }
    let first = firstIndex(of: address)
    for step in 0..<Limits.bindingSlotsPerKey {
      let index = (first &+ step) & (slots.count - 1)
      if slots[index]?.address == address { return remove(at: index) }
    }
  }

  mutating func remove(at index: Int) {
    guard let peer = slots[index]?.remote.peerSlot else { return }
    slots[index] = nil
    count -= 1
    countByPeer[peer] -= 1
  }

  /// Takes out what has expired.
  mutating func sweep(now: UInt32) {
    lastSweep = now
    for index in slots.indices where slots[index]?.isExpired(now: now) == true { remove(at: index) }
  }

  /// Whether one more of a peer is within the limits; when it seems not, after a look for expired ones, once a second.
  private mutating func hasRoom(for remote: Remote, now: UInt32) -> Bool {
    guard let peer = remote.peerSlot, peer < peerCount else { return false }
    if isWithinLimits(peer) { return true }
    guard lastSweep != now else { return false }
    sweep(now: now)
    return isWithinLimits(peer)
  }

  private func isWithinLimits(_ peer: Int) -> Bool {
    count < Limits.bindingCountMax && countByPeer[peer] < UInt32(Limits.bindingCountPerPeerMax)
  }

  private mutating func put(_ binding: NeighborBinding, at index: Int) {
    guard let peer = binding.remote.peerSlot else { return }
    slots[index] = binding
    count += 1
    countByPeer[peer] += 1
  }

  private mutating func freeIndex(for address: IPAddress, now: UInt32) -> Int? {
    let first = firstIndex(of: address)
    for step in 0..<Limits.bindingSlotsPerKey {
      let index = (first &+ step) & (slots.count - 1)
      guard let binding = slots[index] else { return index }
      guard binding.isExpired(now: now) else { continue }
      remove(at: index)
      return index
    }
    return nil
  }

  private func firstIndex(of address: IPAddress) -> Int {
    // An IPv4 address as the IPv4-mapped IPv6 address, so the families cannot be confused.
    let low = address.family == .ipv4 ? address.low | 0xFFFF_0000_0000 : address.low
    return Int(truncatingIfNeeded: hash(address.high, low)) & (slots.count - 1)
  }

  private mutating func allocate() {
    slots = Array(repeating: nil, count: Limits.bindingSlotCountMin)
    countByPeer = Array(repeating: 0, count: peerCount)
  }

  /// Doubles the storage, up to twice what it may hold.
  private mutating func grow(now: UInt32) {
    guard slots.count < Limits.bindingCountMax * 2 else { return }
    let old = slots
    slots = Array(repeating: nil, count: old.count * 2)
    count = 0
    countByPeer = Array(repeating: 0, count: peerCount)
    for binding in old {
      guard let binding, !binding.isExpired(now: now), let index = freeIndex(for: binding.address, now: now) else {
        continue
      }
      put(binding, at: index)
    }
  }
}
