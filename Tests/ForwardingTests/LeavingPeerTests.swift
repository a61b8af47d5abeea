import TestKit
import Testing
import VXLAN

@testable import Forwarding

/// What tables forget of a peer that leaves, and what of their bounds may change while they are in use.
@Suite("A peer that leaves")
struct LeavingPeerTests {
  private static let hash = KeyedHash(key0: 7, key1: 8)

  @Test("its entries go, whatever state they have, and nobody else's; its account is empty")
  func entries() {
    let table = Table(limit: 100, peerLimits: [0, 2, 0])
    for station in 1...2 { #expect(table.learn(station, .peer(1)) == .learned) }
    #expect(table.learn(3, .peer(0)) == .learned && table.learn(4, .local) == .learned)
    table.setStatic(5, .peer(1))
    #expect(table.removeAll(at: .peer(1)) == 3)
    #expect(Set(table.entries.map(\.mac)) == [Table.mac(3), Table.mac(4)] && table.isConsistent)
    for station in 1...2 { #expect(table.learn(station, .peer(1)) == .learned) }
    #expect(table.learn(6, .peer(1)) == .refusedFull)
  }

  @Test("limits that tables share hold for all of them, and change with the next address")
  func sharedLimits() {
    let limits = FDBPeerLimits(slotCount: 2)
    let tables = (0..<2).map { _ in Table(limit: 100, limits: limits) }
    limits.set(1, ofPeer: 1)
    for table in tables {
      #expect(table.learn(1, .peer(1)) == .learned && table.learn(2, .peer(1)) == .refusedFull)
      #expect(table.learn(3, .peer(0)) == .learned)
    }
    limits.set(2, ofPeer: 1)
    for table in tables {
      #expect(table.learn(2, .peer(1)) == .learned && table.learn(4, .peer(1)) == .refusedFull)
    }
    limits.set(0, ofPeer: 1)
    for table in tables { #expect(table.learn(4, .peer(1)) == .learned && table.isConsistent) }
  }

  @Test("a table takes as many as its limit says now; what was learned before a lower one stays")
  func limit() {
    let table = Table(limit: 2)
    #expect(table.learn(1, .local) == .learned && table.learn(2, .local) == .learned)
    #expect(table.learn(3, .local) == .refusedFull)
    table.setLimit(3)
    #expect(table.learn(3, .local) == .learned && table.learn(4, .local) == .refusedFull)
    table.setLimit(1)
    #expect(table.count == 3 && table.learn(1, .local) == .known && table.learn(4, .local) == .refusedFull)
    table.setLimit(5000)
    for station in 10..<4000 { #expect(table.learn(station, .local) == .learned) }
    #expect(table.isConsistent)
  }

  @Test("its bindings go, and nobody else's")
  func bindings() {
    let table = NeighborTable(hash: Self.hash, peerCount: 3)
    func address(_ number: Int) -> IPAddress { IPAddress(ipv4: 0x0A00_0000 + UInt32(number)) }
    for number in 0..<300 {
      let frame = NeighborFrames.arp(from: .station(number), address(number), for: address(9999))
      if let message = NeighborMessage(inFrame: frame.span) {
        table.learn(message, from: .peer(number % 3), now: 100)
      }
    }
    #expect(table.count() == 300)
    table.removeAll(at: .peer(1))
    #expect(table.count() == 200)
    for number in 0..<300 {
      let reply = table.reply(to: address(number), now: 100) { _ in number % 3 }
      #expect((reply == .unknown) == (number % 3 == 1))
    }
    table.removeAll()
    #expect(table.count() == 0)
  }

  @Test("it gets no group any more, as a listener or with a router, from the moment on that this is said")
  func groups() {
    let now = Instant(nanoseconds: 1_000_000_000)
    let table = Groups()
    let group = Groups.group
    func take(_ frame: [UInt8], _ peer: Int) { table.take(frame, peer, now: now) }
    func listeners() -> [Int]? { table.listeners() }
    take(GroupFrames.join(group), 0)
    take(GroupFrames.join(group), 1)
    take(GroupFrames.hello(.ipv4), 2)
    table.groups.publish(now: now)
    #expect(listeners() == [0, 1, 2])
    table.groups.remove(peer: 2, now: now)
    #expect(listeners() == [0, 1])
    table.groups.remove(peer: 0, now: now)
    #expect(listeners() == [1])
    table.groups.remove(peer: 5, now: now)
    table.groups.remove(peer: 1, now: now)
    #expect(listeners() == nil && table.groups.groupCount() == 0)
    take(GroupFrames.join(group), 1)
    table.groups.removeAll(now: now)
    #expect(listeners() == nil && table.groups.groupCount() == 0)
  }

  @Test("when somebody else asked who listens and a peer leaves, the agent asks itself")
  func querier() {
    let table = Groups()
    var now = Instant(nanoseconds: 1_000_000_000_000)
    table.take(GroupFrames.join(Groups.group), 0, now: now)
    table.take(GroupFrames.query(.ipv4), 1, now: now)
    // The first questions, about what was there before.
    for _ in 0..<3 {
      _ = table.groups.advance(now: now)
      now = now + .seconds(35)
    }
    #expect(table.groups.advance(now: now).isEmpty)
    table.groups.remove(peer: 1, now: now)
    #expect(table.groups.advance(now: now).map(\.family) == [.ipv4])
    #expect(table.groups.advance(now: now).isEmpty)
  }

  @Test("memory for slots is zero, as long as it says, and costs what is used of it")
  func slotMemory() {
    let memory = SlotMemory<UInt64>(count: 1 << 20)
    #expect(memory.count == 1 << 20 && SlotMemory<UInt64>(count: 0).count == 1)
    #expect((0..<memory.count).allSatisfy { $0 % 4096 != 0 || memory.start[$0] == 0 })
    memory.start[memory.count - 1] = 7
    #expect(memory.start[memory.count - 1] == 7)
  }

  @Test("a storm limit follows what is set, up and down, and none lets everything pass")
  func storm() {
    let bucket = StormBucket(perSecond: 10)
    var now = Instant(nanoseconds: 1_000_000_000_000)
    func taken(_ offered: Int) -> Int { (0..<offered).count { _ in bucket.take(1, now: now) } }
    #expect(taken(50) == 1)
    bucket.setRate(perSecond: 1000)
    now = now + .seconds(1)
    #expect(taken(500) == 100)
    bucket.setRate(perSecond: 0)
    #expect(taken(500) == 500)
    bucket.setRate(perSecond: 10)
    now = now + .seconds(1)
    #expect(taken(50) == 1)
  }
}

/// The groups of a segment, and one that peers listen to.
private final class Groups {
  static let group = IPAddress(ipv4: 0xEF01_0203)
  private static let hash = KeyedHash(key0: 7, key1: 8)
  let groups = MulticastTable(hash: hash, gracePeriod: GracePeriod(readerCount: 0))

  func take(_ frame: [UInt8], _ peer: Int, now: Instant) {
    guard let packet = InnerPacket(inFrame: frame.span), let message = GroupMessage(of: packet, inFrame: frame.span)
    else { return }
    _ = groups.take(message, from: .peer(peer), outranks: false, now: now)
  }

  /// Nil: the group is flooded.
  func listeners() -> [Int]? {
    guard let snapshot = groups.snapshot() else { return nil }
    let list = snapshot.list(of: MulticastSnapshot.key(of: Self.group, hash: Self.hash))
    guard list >= 0 else { return nil }
    let peers = snapshot.peers(ofList: list)
    return (0..<peers.count).map { peers.start[$0] }
  }
}
