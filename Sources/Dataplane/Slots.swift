/// Things in slots that keep their numbers while others come and go: a collection of what is there, in the order of the
/// slots, whose indexes are the slots.
package struct Slots<Element>: Collection {
  private var places: [Element?]

  /// None.
  package init() {
    places = []
  }

  /// Each in the slot of its position.
  package init(_ elements: [Element]) {
    places = elements
  }

  /// The first slot that has something.
  package var startIndex: Int { places.firstIndex { $0 != nil } ?? places.endIndex }
  /// One above the last slot that has something.
  package var endIndex: Int { places.endIndex }

  package func index(after slot: Int) -> Int {
    places[(slot + 1)...].firstIndex { $0 != nil } ?? places.endIndex
  }

  /// What is in a slot that has something.
  package subscript(slot: Int) -> Element {
    get {
      guard let element = places[slot] else { preconditionFailure("nothing is in slot \(slot)") }
      return element
    }
    set {
      if slot >= places.count { places += Array(repeating: nil, count: slot + 1 - places.count) }
      places[slot] = newValue
    }
  }

  /// What is in a slot; nil: nothing, or there is no such slot.
  package func element(at slot: Int) -> Element? { places.indices.contains(slot) ? places[slot] : nil }

  package func isOccupied(_ slot: Int) -> Bool { element(at: slot) != nil }

  /// Takes out what is in the slot, if anything is.
  package mutating func vacate(_ slot: Int) {
    guard places.indices.contains(slot) else { return }
    places[slot] = nil
    while case .some(.none) = places.last { places.removeLast() }
  }
}

extension Slots: Sendable where Element: Sendable {}
extension Slots: Equatable where Element: Equatable {}
