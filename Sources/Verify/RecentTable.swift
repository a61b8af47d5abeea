/// What was seen lately, by key, in flat memory of a fixed limit: the oldest of eight makes room for a new one.
///
/// Grows from a few entries to `entryCountMax`, so that a short capture costs little. No allocation otherwise.
/// *Complexity.* A few cache lines for each question.
struct RecentTable: ~Copyable {
  /// What is remembered of a key; 24 bytes.
  struct Entry {
    /// 0: free.
    fileprivate var key: UInt64 = 0
    var value: UInt64 = 0
    /// The number of the packet, low 32 bits.
    var packet: UInt32 = 0
    /// Milliseconds since the first packet, modulo 2^32.
    var stamp: UInt32 = 0

    /// By the order of the packets, which times need not keep.
    fileprivate func isOlder(than other: Entry) -> Bool { Int32(bitPattern: packet &- other.packet) < 0 }
  }

  private static let wayCount = 4
  private static let entryCountMin = 256

  let entryCountMax: Int
  /// Entries that made room for others.
  private(set) var evictedCount = 0
  private var entries: [Entry] = []
  private var usedCount = 0

  /// - Parameter entryCountMax: a power of two.
  init(entryCountMax: Int) {
    precondition(entryCountMax >= Self.entryCountMin && entryCountMax & (entryCountMax - 1) == 0)
    self.entryCountMax = entryCountMax
  }

  /// Remembers `entry` under `key`.
  /// - Returns: what was remembered under it before.
  mutating func exchange(_ key: UInt64, _ value: UInt64, packet: UInt32, stamp: UInt32) -> Entry? {
    if entries.count < entryCountMax, usedCount &* 2 >= entries.count { grow() }
    let key = key == 0 ? 1 : key
    let (first, second) = buckets(of: key)
    let entry = Entry(key: key, value: value, packet: packet, stamp: stamp)
    if let place = place(of: key, in: first) ?? place(of: key, in: second) {
      let known = entries[place]
      entries[place] = entry
      return known
    }
    let place = placeToFill(first, second)
    if entries[place].key == 0 { usedCount &+= 1 } else { evictedCount &+= 1 }
    entries[place] = entry
    return nil
  }

  /// What is remembered under `key`.
  func entry(_ key: UInt64) -> Entry? {
    guard !entries.isEmpty else { return nil }
    let key = key == 0 ? 1 : key
    let (first, second) = buckets(of: key)
    return (place(of: key, in: first) ?? place(of: key, in: second)).map { entries[$0] }
  }

  /// Where the two buckets begin that a key may be in.
  private func buckets(of key: UInt64) -> (Int, Int) {
    let product = key.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    let hash = product.high ^ product.low
    let mask = UInt64((entries.count &- 1) & ~(Self.wayCount &- 1))
    return (Int(truncatingIfNeeded: hash & mask), Int(truncatingIfNeeded: hash &>> 32 & mask))
  }

  private func place(of key: UInt64, in bucket: Int) -> Int? {
    for place in bucket..<bucket &+ Self.wayCount where entries[place].key == key { return place }
    return nil
  }

  /// The next free place of the emptier bucket; in two full ones the oldest.
  private func placeToFill(_ first: Int, _ second: Int) -> Int {
    let (firstCount, secondCount) = (usedCount(in: first), usedCount(in: second))
    if min(firstCount, secondCount) < Self.wayCount {
      return firstCount <= secondCount ? first &+ firstCount : second &+ secondCount
    }
    let (a, b) = (oldest(in: first), oldest(in: second))
    return entries[b].isOlder(than: entries[a]) ? b : a
  }

  /// A bucket fills from its beginning, and nothing is ever taken out.
  private func usedCount(in bucket: Int) -> Int {
    for count in 0..<Self.wayCount where entries[bucket &+ count].key == 0 { return count }
    return Self.wayCount
  }

  private func oldest(in bucket: Int) -> Int {
    var oldest = bucket
    for place in bucket..<bucket &+ Self.wayCount where entries[place].isOlder(than: entries[oldest]) { oldest = place }
    return oldest
  }

  private mutating func grow() {
    let old = entries
    entries = Array(repeating: Entry(), count: max(Self.entryCountMin, old.count * 2))
    usedCount = 0
    for entry in old where entry.key != 0 {
      _ = exchange(entry.key, entry.value, packet: entry.packet, stamp: entry.stamp)
    }
  }
}
