/// A total over a counter that starts anew whenever its device does; it never goes back.
struct DropTotal: Equatable {
  private(set) var count: UInt64 = 0
  private var last: UInt64 = 0

  /// Takes what the counter shows now. Less than before means that it began at zero in between.
  mutating func note(_ reading: UInt64) {
    count &+= reading >= last ? reading - last : reading
    last = reading
  }

  /// The counter is known to have begun at zero.
  mutating func restart() {
    last = 0
  }
}
