import Foundation
import Synchronization

@testable import Forwarding

extension Table {
  /// What `learn` answers while every lock is held; nil when it has waited for one for `seconds`.
  func learnWhileLocked(_ station: Int, _ remote: Remote, now: UInt32, seconds: Double = 20) -> LearnOutcome? {
    final class Answer: Sendable { let outcome = Mutex<LearnOutcome?>(nil) }
    precondition(fdb.shardCount == 1)
    let (answer, ended) = (Answer(), DispatchSemaphore(value: 0))
    let inTime: LearnOutcome? = fdb.shards[0].withLock { _ in
      Thread {
        let outcome = self.learn(station, remote, now: now)
        answer.outcome.withLock { $0 = outcome }
        ended.signal()
      }.start()
      guard ended.wait(timeout: .now() + seconds) == .success else { return nil }
      return answer.outcome.withLock { $0 }
    }
    if inTime == nil { ended.wait() }
    return inTime
  }

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
