import Glibc
import Synchronization

/// Descriptors that an agent before this one opened, by name: each waits to be taken, once; what nobody takes is
/// closed.
///
/// Nothing is believed of them: whoever takes one verifies what it is.
///
/// *Threads.* Any.
package final class InheritedDescriptors: Sendable {
  private let held: Mutex<[DescriptorName: Int32]>
  private let fits = Mutex<[DescriptorName: Int32]>([:])
  private let misfitTexts = Mutex<[String]>([])

  package init() {
    held = Mutex([:])
  }

  deinit { closeAll() }

  /// Hands over a descriptor. One whose name is taken already is closed.
  package func give(_ descriptor: Int32, as name: DescriptorName) {
    let isKept = held.withLock { held in
      guard held[name] == nil else { return false }
      held[name] = descriptor
      return true
    }
    if isKept { fits.withLock { $0[name] = descriptor } } else { _ = close(descriptor) }
  }

  /// The descriptor of this name, which is the caller's then.
  package func take(_ name: DescriptorName) -> Int32? {
    held.withLock { $0.removeValue(forKey: name) }
  }

  /// The descriptors that are called `name(0)`, `name(1)` and so on, up to the first that is missing.
  package func takeAll(_ name: (Int) -> DescriptorName) -> [Int32] {
    var all: [Int32] = []
    while let next = take(name(all.count)) { all.append(next) }
    return all
  }

  /// Closes what nobody has taken, and answers the names.
  @discardableResult
  package func closeAll() -> [DescriptorName] {
    let left = held.withLock { held in
      defer { held = [:] }
      return held
    }
    for descriptor in left.values { _ = close(descriptor) }
    return Array(left.keys)
  }

  var descriptors: [Int32] { held.withLock { Array($0.values) } }

  /// What was given and not found to be something else, by whoever may have taken it.
  package var fitting: [DescriptorName: Int32] { fits.withLock { $0 } }

  /// What is waiting to be taken.
  package var names: Set<DescriptorName> { Set(held.withLock { $0.keys }) }

  /// Notes that descriptors were not what they should be, for the log.
  package func noteMisfit(_ text: String, _ names: [DescriptorName] = []) {
    for name in names { fits.withLock { $0[name] = nil } }
    misfitTexts.withLock { $0.append(text) }
  }

  /// What was noted since the last call.
  package func takeMisfits() -> [String] {
    misfitTexts.withLock { texts in
      defer { texts = [] }
      return texts
    }
  }
}
