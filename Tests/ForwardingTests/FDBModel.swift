@testable import Forwarding

/// What a forwarding table is to do, as plainly as it can be said.
struct FDBModel {
  struct Entry {
    var remote: Remote
    var origin = FDBOrigin.learned
    var isFrozen = false
    var stamp: UInt32
  }

  let limit: Int
  let peerLimits: [Int]
  private(set) var entries: [Int: Entry] = [:]
  /// By station, when it moved last, the newest first.
  private var moves: [Int: [UInt32]] = [:]
  private(set) var refusedCount: UInt64 = 0
  private(set) var moveCount: UInt64 = 0
  private(set) var freezeCount: UInt64 = 0
  /// Dynamic entries: all, and by peer those that are not frozen.
  private var dynamicCount = 0
  private var countByPeer: [Int]

  init(limit: Int, peerLimits: [Int]) {
    self.limit = limit
    self.peerLimits = peerLimits
    self.countByPeer = peerLimits.map { _ in 0 }
  }

  func way(_ station: Int) -> Remote? {
    entries[station].flatMap { $0.isFrozen ? nil : $0.remote }
  }

  mutating func learn(_ station: Int, _ remote: Remote, now: UInt32) -> LearnOutcome {
    guard let old = entries[station] else {
      if dynamicCount >= limit || isFull(remote) { return refuse() }
      put(station, Entry(remote: remote, stamp: now))
      return .learned
    }
    if old.origin != .learned {
      if old.remote == remote { return .known }
      return old.origin == .control ? .refusedControl : .refusedStatic
    }
    if old.isFrozen { return learnFrozen(station, old, remote, now: now) }
    guard old.remote != remote else {
      entries[station]?.stamp = now
      return .known
    }
    return move(station, old, remote, now: now)
  }

  private mutating func learnFrozen(_ station: Int, _ old: Entry, _ remote: Remote, now: UInt32) -> LearnOutcome {
    if now - old.stamp >= 30 {
      if isFull(remote) { return refuse() }
      put(station, Entry(remote: remote, stamp: now))
      return .learned
    }
    if remote != old.remote, now != old.stamp {
      entries[station]?.remote = remote
      entries[station]?.stamp = now
    }
    return .refusedFrozen
  }

  private mutating func move(_ station: Int, _ old: Entry, _ remote: Remote, now: UInt32) -> LearnOutcome {
    moveCount += 1
    let before = moves[station] ?? []
    if before.count == 4, now - before[3] < 180 {
      moves[station] = nil
      freezeCount += 1
      put(station, Entry(remote: remote, isFrozen: true, stamp: now))
      return .flapping(from: old.remote)
    }
    moves[station] = [now] + before.prefix(3)
    remove(station)
    if isFull(remote) { return refuse() }
    put(station, Entry(remote: remote, stamp: now))
    return .moved(from: old.remote)
  }

  /// As a person does it: what the station did before counts no more.
  mutating func delete(_ station: Int) -> Bool {
    guard entries[station] != nil else { return false }
    moves[station] = nil
    return remove(station)
  }

  mutating func flush() -> Int {
    moves = [:]
    return removeAll { $0.origin == .learned }
  }

  mutating func set(
    _ station: Int, _ remote: Remote, by origin: FDBOrigin, now: UInt32, replacing: Bool
  ) -> Bool {
    if let old = entries[station] {
      if !replacing || old.origin.state > origin.state { return false }
    }
    put(station, Entry(remote: remote, origin: origin, stamp: now))
    moves[station] = nil
    return true
  }

  @discardableResult
  private mutating func remove(_ station: Int) -> Bool {
    guard let old = entries.removeValue(forKey: station) else { return false }
    if old.origin == .learned { dynamicCount -= 1 }
    count(old, -1)
    return true
  }

  mutating func removeAll(where isGoing: (Entry) -> Bool) -> Int {
    let going = entries.filter { isGoing($0.value) }.map(\.key)
    for station in going { remove(station) }
    return going.count
  }

  mutating func age(now: UInt32, seconds: UInt32) -> Int {
    removeAll { $0.origin == .learned && now - $0.stamp >= ($0.isFrozen ? max(seconds, 30) : seconds) }
  }

  private mutating func put(_ station: Int, _ entry: Entry) {
    remove(station)
    entries[station] = entry
    if entry.origin == .learned { dynamicCount += 1 }
    count(entry, 1)
  }

  private mutating func refuse() -> LearnOutcome {
    refusedCount += 1
    return .refusedFull
  }

  private func isFull(_ remote: Remote) -> Bool {
    remote.peerSlot.map { peerLimits[$0] != 0 && countByPeer[$0] >= peerLimits[$0] } ?? false
  }

  private mutating func count(_ entry: Entry, _ change: Int) {
    guard entry.origin == .learned, !entry.isFrozen, let slot = entry.remote.peerSlot else { return }
    countByPeer[slot] += change
  }
}
