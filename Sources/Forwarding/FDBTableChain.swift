/// Storage that nobody looks at any more, to be given back: a list through the storage itself, so that one more costs
/// no memory.
///
/// It is found while a lock is held, and given back when none is: the system may take as long as it likes to take
/// megabytes back.
struct FDBTableChain {
  /// As `FDBTable.word`; 0 = none.
  private var first: UInt = 0

  var isEmpty: Bool { first == 0 }

  /// Takes over storage that was in use.
  mutating func append(_ table: FDBTable) {
    table.setNext(first)
    first = table.word
  }

  /// Takes everything out of `other`.
  mutating func take(_ other: inout FDBTableChain) {
    while let table = other.removeFirst() { append(table) }
  }

  // COLD
  /// Gives all of it back.
  @inline(never)
  mutating func free() {
    while let table = removeFirst() { table.free() }
  }

  mutating func removeFirst() -> FDBTable? {
    guard first != 0 else { return nil }
    let table = FDBTable(at: first)
    first = table.next
    return table
  }
}
