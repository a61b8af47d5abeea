import Sealing

/// Every nonce that anything was sealed with in the whole world, exactly: a bit for each counter of each key and lane.
///
/// A key is known by the host that opens with it, the index that this host gave it, and how often this host had given
/// the index before: a restarted agent may choose one again.
struct NonceLedger {
  static let hostCountMax = 1 << 12
  private static let counterMax: UInt64 = 1 << 32

  /// By host and index.
  private var uses: [UInt64: UInt64] = [:]
  /// By key and lane.
  private var bits: [UInt64: [UInt64]] = [:]
  private(set) var count = 0

  /// Keys and lanes that sealed something.
  var keyCount: Int { bits.count }

  /// A host accepts datagrams with an index that it has given to a new key.
  mutating func noteKey(ofHost host: Int, index: UInt32) {
    uses[Self.place(host, index), default: 0] += 1
  }

  /// Something was sealed for a host. False: with a nonce that another datagram had.
  mutating func note(_ word: SealedHeader.Word, toHost host: Int) -> Bool {
    guard word.counter < Self.counterMax else { return false }
    count += 1
    let place = Self.place(host, word.index)
    let key = place << 32 | (uses[place] ?? 0) << 4 | UInt64(word.lane)
    let (index, bit) = (Int(word.counter >> 6), (1 as UInt64) << (word.counter & 63))
    return bits[key, default: []].note(bit, at: index)
  }

  private static func place(_ host: Int, _ index: UInt32) -> UInt64 { UInt64(host) << 20 | UInt64(index) }
}

/// Numbers that were seen, a bit each.
struct NumberSet {
  private var words: [UInt64] = []

  /// False: it was there.
  mutating func insert(_ number: Int) -> Bool { words.note(1 << UInt64(number & 63), at: number >> 6) }
}

extension [UInt64] {
  /// Sets a bit of a word. False: it was set.
  fileprivate mutating func note(_ bit: UInt64, at index: Int) -> Bool {
    if index >= count { append(contentsOf: repeatElement(0, count: index + 1 - count)) }
    guard self[index] & bit == 0 else { return false }
    self[index] |= bit
    return true
  }
}
