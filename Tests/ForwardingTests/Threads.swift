@testable import Forwarding

extension Table {
  /// Runs `step` with 0, 1, ... as a worker does batches, until it answers false.
  func work(reader: Int, _ step: (Int) -> Bool) {
    let grace = fdb.gracePeriod
    grace.enter(reader: reader)
    var number = 0
    while step(number) {
      grace.pass(reader: reader)
      number += 1
      // Sleeping now and then: offline, and back again.
      guard number % 16 == 0 else { continue }
      grace.leave(reader: reader)
      grace.enter(reader: reader)
    }
    grace.leave(reader: reader)
  }
}
