import VXLAN

/// The peers of each group at one moment, in one piece of memory.
///
///     word 0           mask: slot count - 1, at most half of the slots are used
///     2 words a slot   key of the group, 0 = unused; index of its list
///     lists            count, then the slots of the peers
///
/// *Threads.* Never written after it was made; any, until it is given back.
package struct MulticastSnapshot: @unchecked Sendable {
  // SAFETY: one allocation, given back by `free`; indexes are those that `init` has written.
  let words: UnsafeMutablePointer<Int>

  /// The one that lies at `words`.
  init(at words: UnsafeMutablePointer<Int>) {
    self.words = words
  }

  /// Nil without groups.
  init?(of groups: MulticastGroups, hash: KeyedHash) {
    guard !groups.groups.isEmpty else { return nil }
    var slotCount = 4
    while slotCount < groups.groups.count * 2 { slotCount *= 2 }
    let everywhere = [AddressFamily.ipv4: groups.everywhere(.ipv4), .ipv6: groups.everywhere(.ipv6)]
    let lists = groups.groups.map { group, listeners in
      (group: group, peers: Set(listeners.map(\.peer)).union(everywhere[group.family] ?? []).sorted())
    }
    let listStart = 1 + 2 * slotCount
    words = .allocate(capacity: listStart + lists.reduce(0) { $0 + 1 + $1.peers.count })
    words.initialize(repeating: 0, count: listStart)
    words[0] = slotCount - 1
    var end = listStart
    for (group, peers) in lists {
      let key = Self.key(of: group, hash: hash)
      var slot = key & words[0]
      while words[1 + 2 * slot] != 0 { slot = (slot + 1) & words[0] }
      words[1 + 2 * slot] = key
      words[2 + 2 * slot] = end
      (words + end).initialize(to: peers.count)
      for (index, peer) in peers.enumerated() { (words + end + 1 + index).initialize(to: peer) }
      end += 1 + peers.count
    }
  }

  /// Gives the memory back. Nobody may look at it any more.
  func free() { words.deallocate() }

  // HOT
  /// By what a group is looked up: never 0, and nobody can choose groups that collide.
  @inline(__always)
  package static func key(of group: IPAddress, hash: KeyedHash) -> Int {
    Int(truncatingIfNeeded: hash(group.high, group.low)) | 1 << 62
  }

  // HOT
  /// The index of the list of a group; -1: no listener is known, so it goes to all.
  @inline(__always)
  package func list(of key: Int) -> Int {
    var slot = key & words[0]
    while words[1 &+ 2 &* slot] != 0 {
      if words[1 &+ 2 &* slot] == key { return words[2 &+ 2 &* slot] }
      slot = (slot &+ 1) & words[0]
    }
    return -1
  }

  // HOT
  /// The slots of the peers of a list.
  @inline(__always)
  package func peers(ofList index: Int) -> (start: UnsafePointer<Int>, count: Int) {
    (UnsafePointer(words + index + 1), words[index])
  }
}
