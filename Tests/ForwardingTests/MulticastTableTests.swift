import Testing

@testable import Forwarding
@testable import VXLAN

@Suite("Multicast table")
struct MulticastTableTests {
  private static let hash = KeyedHash(key0: 1, key1: 2)
  private static let group = IPAddress(ipv4: 0xEF01_0203)
  private static let start = Instant(nanoseconds: 1_000_000_000_000)

  /// The peers of a group as a worker sees them; nil: it is flooded.
  private func peers(_ table: borrowing MulticastTable, _ group: IPAddress = group) -> [Int]? {
    guard let snapshot = table.snapshot() else { return nil }
    let list = snapshot.list(of: MulticastSnapshot.key(of: group, hash: Self.hash))
    guard list >= 0 else { return nil }
    let peers = snapshot.peers(ofList: list)
    return (0..<peers.count).map { peers.start[$0] }
  }

  private func join(_ group: IPAddress = group) -> GroupMessage {
    .report(.init(family: .ipv4, records: [.init(group: group, change: .joins)], silencesOthers: false))
  }

  @Test("a listener is seen once the list is made, which is due at once the first time and 10 ms later after that")
  func publishing() {
    let table = MulticastTable(hash: Self.hash, gracePeriod: GracePeriod(readerCount: 1))
    var now = Self.start
    #expect(table.take(join(), from: .peer(1), outranks: false, now: now).isEarlier)
    #expect(peers(table) == nil && table.next() == now.nanoseconds)
    _ = table.advance(now: now)
    #expect(peers(table) == [1])
    now = now + .milliseconds(1)
    #expect(table.take(join(), from: .peer(2), outranks: false, now: now).isEarlier)
    #expect(!table.take(join(), from: .peer(3), outranks: false, now: now).isEarlier, "told once")
    #expect(peers(table) == [1] && table.next() == (Self.start + .microseconds(10_001)).nanoseconds)
    now = now + .milliseconds(8)
    _ = table.advance(now: now)
    #expect(peers(table) == [1])
    now = now + .milliseconds(2)
    _ = table.advance(now: now)
    #expect(peers(table) == [1, 2, 3])
  }

  @Test("a list that is a tenth of a second late is made by whoever brings the next message")
  func late() {
    let table = MulticastTable(hash: Self.hash, gracePeriod: GracePeriod(readerCount: 1))
    _ = table.take(join(), from: .peer(1), outranks: false, now: Self.start)
    _ = table.take(join(), from: .peer(2), outranks: false, now: Self.start + .milliseconds(100))
    #expect(peers(table) == nil)
    _ = table.take(join(), from: .peer(2), outranks: false, now: Self.start + .milliseconds(101))
    #expect(peers(table) == [1, 2])
  }

  @Test("the more listeners there are, the longer is the pause between two lists")
  func pause() {
    let table = MulticastTable(hash: Self.hash, gracePeriod: GracePeriod(readerCount: 1))
    for peer in 0..<2000 { _ = table.take(join(), from: .peer(peer), outranks: false, now: Self.start) }
    _ = table.advance(now: Self.start)
    _ = table.take(join(), from: .peer(2000), outranks: false, now: Self.start)
    #expect(table.next() == (Self.start + .milliseconds(12)).nanoseconds)
  }

  @Test("lists that a reader may still look at are kept, and looked at again until they can be given back")
  func retired() {
    let gracePeriod = GracePeriod(readerCount: 1)
    let table = MulticastTable(hash: Self.hash, gracePeriod: gracePeriod)
    _ = table.take(join(), from: .peer(1), outranks: false, now: Self.start)
    _ = table.advance(now: Self.start)
    // The first questions are over; what is due within the next second is the list only.
    let later = Self.start + .seconds(10)
    _ = table.advance(now: later)
    gracePeriod.enter(reader: 0)
    let held = table.snapshot()
    _ = table.take(join(), from: .peer(2), outranks: false, now: later)
    _ = table.advance(now: later)
    #expect(held?.peers(ofList: held?.list(of: MulticastSnapshot.key(of: Self.group, hash: Self.hash)) ?? 0).count == 1)
    #expect(table.next() == (later + .seconds(1)).nanoseconds, "the reader has not passed a boundary")
    gracePeriod.pass(reader: 0)
    _ = table.advance(now: later + .seconds(1))
    #expect(table.next() > (later + .seconds(2)).nanoseconds)
  }
}
