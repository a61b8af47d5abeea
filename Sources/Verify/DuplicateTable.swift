/// The datagrams that came last, by their digest, in flat memory: a new one takes the place of the fourth before it in
/// the same bucket.
///
/// Every datagram is new here, so this is not a `RecentTable`: one cache line, and no branch that depends on what is in
/// it.
struct DuplicateTable: ~Copyable {
  private static let wayCount = 4

  /// One cache line; the newest first.
  private struct Bucket {
    var digests = SIMD4<UInt64>()
    var packets = SIMD4<UInt32>()
    var stamps = SIMD4<UInt32>()
  }

  let entryCountMax: Int
  /// Made when the first datagram comes.
  private var buckets: [Bucket] = []

  /// - Parameter entryCountMax: a power of two.
  init(entryCountMax: Int) {
    precondition(entryCountMax >= Self.wayCount && entryCountMax & (entryCountMax - 1) == 0)
    self.entryCountMax = entryCountMax
  }

  /// Remembers a datagram.
  /// - Parameter stamp: milliseconds since the first packet, modulo 2^32.
  /// - Returns: the number and the stamp of the last one with this digest; nil when there is none, or none any more.
  @inline(__always)
  mutating func insert(_ digest: UInt64, packet: UInt32, stamp: UInt32) -> (packet: UInt32, stamp: UInt32)? {
    if buckets.isEmpty { buckets = Array(repeating: Bucket(), count: entryCountMax / Self.wayCount) }
    let place = Int(truncatingIfNeeded: digest >> 32) & (buckets.count &- 1)
    let old = buckets[place]
    buckets[place].digests = SIMD4(digest, old.digests[0], old.digests[1], old.digests[2])
    buckets[place].packets = SIMD4(packet, old.packets[0], old.packets[1], old.packets[2])
    buckets[place].stamps = SIMD4(stamp, old.stamps[0], old.stamps[1], old.stamps[2])
    let same = old.digests .== SIMD4(repeating: digest)
    guard any(same) else { return nil }
    for way in 0..<Self.wayCount where same[way] && old.packets[way] != 0 { return (old.packets[way], old.stamps[way]) }
    return nil
  }
}
