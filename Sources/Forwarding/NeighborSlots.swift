import VXLAN

/// The storage of the bindings of one segment: bounded as a whole and for each peer, found by a keyed hash.
///
/// The high half of a hash chooses one of many small parts (`NeighborPage`), the low half the slots in it that a
/// binding may lie in. Looking up and removing touch these slots and no more; adding may have to double a part. Of
/// addresses that meet in too few slots some stay unknown, which costs a flood.
///
/// What has expired counts towards the limits until it is swept.
///
/// *Threads.* One.
struct NeighborSlots: Sendable {
  private let hash: KeyedHash
  /// Slots that peers may have.
  private let peerCount: Int
  /// Empty until the first binding: most segments of an idle agent never have one.
  private var pages: [NeighborPage] = []
  private var usedCount = 0
  /// Those that are not withdrawn.
  private(set) var knownCount = 0
  /// By peer slot, those in use; as long as the highest slot that has had any.
  private var countByPeer: [UInt32] = []

  /// Where a binding lies.
  struct Index {
    fileprivate let page: Int
    fileprivate let slot: Int
  }

  /// - Parameter hash: keyed with a secret, so that nobody can choose addresses that meet.
  init(hash: KeyedHash, peerCount: Int) {
    self.hash = hash
    self.peerCount = peerCount
  }

  /// Where the binding of `address` is, if it has one that may be said.
  func index(of address: IPAddress, now: UInt32) -> Index? {
    guard let index = place(of: address) else { return nil }
    let binding = self[index]
    return binding.isWithdrawn || binding.isExpired(now: now) ? nil : index
  }

  /// Where the binding of `address` is, of whatever age, withdrawn or not.
  func place(of address: IPAddress) -> Index? {
    guard !pages.isEmpty else { return nil }
    let hash = Self.hash(of: address, hash)
    let page = Self.page(of: hash)
    return pages[page].index(of: address, hash: hash).map { Index(page: page, slot: $0) }
  }

  /// The binding at an index that was just found.
  subscript(index: Index) -> NeighborBinding {
    get {
      guard let binding = pages[index.page].slots[index.slot] else {
        preconditionFailure("a slot without a binding")
      }
      return binding
    }
    set {
      knownCount += (newValue.isWithdrawn ? 0 : 1) - (self[index].isWithdrawn ? 0 : 1)
      pages[index.page].replace(index.slot, with: newValue)
    }
  }

  /// Moves a binding to the account of another peer. False when that one has as many as it may.
  mutating func assign(_ index: Index, to remote: Remote) -> Bool {
    let old = self[index].remote
    if old == remote { return true }
    guard let peer = remote.peerSlot, let oldPeer = old.peerSlot, hasRoom(peer) else { return false }
    makeAccount(of: peer)
    self[index].remote = remote
    countByPeer[oldPeer] -= 1
    countByPeer[peer] += 1
    return true
  }

  /// Adds the binding of an address that has none, if there is room.
  mutating func insert(_ binding: NeighborBinding, now: UInt32) {
    if pages.isEmpty {
      pages = Array(repeating: NeighborPage(), count: Limits.bindingPageCount)
    }
    guard let peer = binding.remote.peerSlot, usedCount < Limits.bindingCountMax, hasRoom(peer) else { return }
    makeAccount(of: peer)
    let key = Self.hash(of: binding.address, hash)
    let page = Self.page(of: key)
    var lost: [NeighborBinding] = []
    let slot = pages[page].freeIndex(key, now: now, hashOf: { [hash] in Self.hash(of: $0, hash) }, lost: &lost)
    for binding in lost { discount(binding) }
    guard let slot else { return }
    if let old = pages[page].slots[slot] { discount(old) }
    pages[page].replace(slot, with: binding)
    usedCount += 1
    knownCount += 1
    countByPeer[peer] += 1
  }

  /// Takes what is over out of a part, and withdraws what has expired. False when no part has anything.
  mutating func sweep(page: Int, now: UInt32) -> Bool {
    guard usedCount > 0 else { return false }
    for slot in pages[page].slots.indices {
      guard let binding = pages[page].slots[slot], binding.isExpired(now: now) else { continue }
      if binding.isOver(now: now) {
        discount(binding)
        pages[page].replace(slot, with: nil)
        // Nothing was left.
        if pages[page].slots.isEmpty { break }
      } else {
        self[Index(page: page, slot: slot)].isWithdrawn = true
      }
    }
    return true
  }

  /// As new.
  mutating func removeAll() { self = NeighborSlots(hash: hash, peerCount: peerCount) }

  /// Takes out what is known of addresses behind `remote`, whatever its age. False when no part has anything.
  mutating func removeAll(at remote: Remote, page: Int) -> Bool {
    guard usedCount > 0 else { return false }
    for slot in pages[page].slots.indices {
      guard let binding = pages[page].slots[slot], binding.remote == remote else { continue }
      discount(binding)
      pages[page].replace(slot, with: nil)
      // Nothing was left.
      if pages[page].slots.isEmpty { break }
    }
    return true
  }

  private func hasRoom(_ peer: Int) -> Bool {
    peer < peerCount && (peer >= countByPeer.count || countByPeer[peer] < UInt32(Limits.bindingCountPerPeerMax))
  }

  private mutating func makeAccount(of peer: Int) {
    while countByPeer.count <= peer { countByPeer.append(0) }
  }

  /// Takes a binding out of the accounts.
  private mutating func discount(_ binding: NeighborBinding) {
    guard let peer = binding.remote.peerSlot else { return }
    usedCount -= 1
    countByPeer[peer] -= 1
    if !binding.isWithdrawn { knownCount -= 1 }
  }

  private static func page(of hash: UInt64) -> Int {
    Int(truncatingIfNeeded: hash >> 32) & (Limits.bindingPageCount - 1)
  }

  private static func hash(of address: IPAddress, _ hash: KeyedHash) -> UInt64 {
    // An IPv4 address as the IPv4-mapped IPv6 address, so the families cannot be confused.
    hash(address.high, address.family == .ipv4 ? address.low | 0xFFFF_0000_0000 : address.low)
  }
}
