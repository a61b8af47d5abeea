/// Numbers things in the order of their coming, by key: the first is 0. Bounded: what comes when it is full has none.
struct NumberTable: ~Copyable {
  private static let slotCountMin = 64

  let countMax: Int
  private(set) var count = 0
  /// Key and number plus one; 0: free. Never more than half full.
  private var keys: [UInt64]
  private var numbers: [UInt32]
  /// The key before and its number: what comes in runs costs one comparison.
  private var last: (key: UInt64, number: Int) = (0, -1)

  init(countMax: Int) {
    self.countMax = countMax
    keys = Array(repeating: 0, count: Self.slotCountMin)
    numbers = Array(repeating: 0, count: Self.slotCountMin)
  }

  /// The number of `key`; one more than the last when it is new; nil when there is no room for it.
  @inline(__always)
  mutating func number(of key: UInt64) -> Int? {
    if last.number >= 0, last.key == key { return last.number }
    return find(key)
  }

  private mutating func find(_ key: UInt64) -> Int? {
    if count * 2 >= keys.count { grow() }
    let place = place(of: key)
    if numbers[place] == 0 {
      guard count < countMax else { return nil }
      count += 1
      keys[place] = key
      numbers[place] = UInt32(count)
    }
    last = (key, Int(numbers[place]) - 1)
    return last.number
  }

  private func place(of key: UInt64) -> Int {
    let mask = keys.count - 1
    var place = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 40) & mask
    while numbers[place] != 0, keys[place] != key { place = (place + 1) & mask }
    return place
  }

  private mutating func grow() {
    let (oldKeys, oldNumbers) = (keys, numbers)
    keys = Array(repeating: 0, count: oldKeys.count * 2)
    numbers = Array(repeating: 0, count: oldKeys.count * 2)
    for (key, number) in zip(oldKeys, oldNumbers) where number != 0 {
      let place = place(of: key)
      (keys[place], numbers[place]) = (key, number)
    }
  }
}
