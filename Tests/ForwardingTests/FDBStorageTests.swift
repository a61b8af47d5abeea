import Testing
import VXLAN

@testable import Forwarding

@Suite("FDB storage")
struct FDBStorageTests {
  @Test("100,000 entries are all found, in no more memory than promised")
  func growth() {
    let table = Table()
    for station in 0..<100_000 {
      guard table.learn(station, .peer(station % 4)) == .learned else {
        Issue.record("station \(station)")
        return
      }
    }
    let lost = (0..<100_000).first { table.remote($0) != .peer($0 % 4) }
    #expect(lost == nil && table.remote(100_000) == nil)
    #expect(table.count == 100_000 && table.entries.count == 100_000 && table.isConsistent)
    // At most three quarters used, and doubled when it was: 16 bytes a slot, 21 to 43 bytes an entry.
    #expect((133_334...270_000).contains(table.slotCount), "\(table.slotCount) slots")
  }

  @Test("a million entries that come and go leave the storage small")
  func comeAndGo() {
    let table = Table()
    for station in 0..<1_000_000 {
      _ = table.learn(station, .peer(0), now: UInt32(station / 100))
      if station % 100 == 99 { _ = table.age(now: UInt32(station / 100) + 1, .seconds(1)) }
    }
    #expect(table.count == 0 && table.isConsistent)
    #expect(table.slotCount <= 32 * 1024, "\(table.slotCount) slots for at most 100 entries at once")
  }

  @Test("storage that grew for a flood shrinks when the flood has aged; what is left is found")
  func shrinks() {
    let table = Table(limit: 20_000)
    for station in 0..<10_000 { _ = table.learn(station, .peer(0), now: station < 100 ? 2 : 1) }
    let large = table.slotCount
    #expect(table.age(now: 2, .seconds(1)) == 9_900)
    #expect(table.slotCount < large / 8, "\(table.slotCount) slots of \(large)")
    #expect((0..<100).allSatisfy { table.remote($0) == .peer(0) } && table.isConsistent)
  }

  @Test("a table at its limit of a million entries has 32 bytes or less for each")
  func memory() {
    let table = Table()
    for station in 0..<1_000_000 { _ = table.learn(station, .peer(station % 4)) }
    #expect(table.count == 1_000_000 && table.learn(1_000_000, .peer(0)) == .refusedFull)
    #expect(table.slotCount * 16 <= 32_000_000, "\(table.slotCount * 16) bytes of slots")
    // Whatever holds a lock works on one shard.
    let largest = (0..<table.fdb.shardCount).map { table.fdb.table(ofShard: $0).mask + 1 }.max()
    #expect(table.fdb.shardCount > 1500 && largest == 1024)
  }

  @Test("storage to be given back is passed on whole, and each piece is given back once")
  func chain() {
    let tables = (0..<5).map { _ in FDBTable(slotCount: 16) }
    var (chain, other) = (FDBTableChain(), FDBTableChain())
    for table in tables.prefix(3) { other.append(table) }
    for table in tables.suffix(2) { chain.append(table) }
    chain.take(&other)
    var words: [UInt] = []
    while let table = chain.removeFirst() { words.append(table.word) }
    #expect(words.count == 5 && Set(words) == Set(tables.map(\.word)) && other.isEmpty && chain.isEmpty)
    for table in tables { other.append(table) }
    other.free()
    #expect(other.isEmpty)
  }

  /// Addresses whose searches all begin at one slot, for who knows the key.
  private static func colliding(_ hash: KeyedHash, count: Int) -> [Int] {
    var stations: [Int] = []
    var station = 0
    while stations.count < count {
      if hash(MACKey(Table.mac(station)).rawValue) & 0xFFF == 0 { stations.append(station) }
      station += 1
    }
    return stations
  }

  @Test("row 13: addresses that collide under one key do not under another")
  func chosenCollisions() {
    let known = KeyedHash(key0: 1, key1: 2)
    let stations = Self.colliding(known, count: 500)
    let (attacked, keyed) = (Table(limit: 600, hash: known), Table(limit: 600))
    for station in stations {
      _ = attacked.learn(station, .peer(0))
      _ = keyed.learn(station, .peer(0))
    }
    #expect(attacked.longestSearch >= 450, "the addresses do not collide, so nothing is shown")
    #expect(keyed.longestSearch <= 64, "\(keyed.longestSearch) slots")
  }

  @Test("row 13: addresses in a row, or a power of two apart, are as good as random ones", arguments: [0, 8, 16, 24])
  func patterns(shift: Int) {
    let table = Table(limit: 100_000)
    for number in 0..<100_000 {
      let mac = MACAddress(rawValue: UInt64(number) << UInt64(shift) & 0xFCFF_FFFF_FFFF)
      _ = table.learn(mac, .peer(0), now: 1)
    }
    #expect(table.longestSearch <= 200, "\(table.longestSearch) slots")
  }

  @Test("static entries survive every rebuild")
  func staticEntries() {
    let table = Table(limit: 5000)
    for station in 0..<500 { table.setStatic(1_000_000 + station, .peer(station % 4)) }
    for station in 0..<20_000 { _ = table.learn(station, .peer(0)) }
    #expect((0..<500).allSatisfy { table.remote(1_000_000 + $0) == .peer($0 % 4) })
    #expect(table.count == 5500 && table.refusedCount == 15_000 && table.isConsistent)
  }
}
