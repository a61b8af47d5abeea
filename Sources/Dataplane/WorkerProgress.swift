import Synchronization

/// How far a worker has come, for others to see whether it goes on.
package struct WorkerProgress: Equatable, Sendable {
  /// Batches and looks for work since the start, modulo 2^63. A worker that goes on counts; it passes none for good.
  package let stepCount: UInt64
  /// Whether it sleeps in its poller, where it counts nothing until something comes or it is nudged.
  package let isAsleep: Bool

  package init(stepCount: UInt64, isAsleep: Bool) {
    self.stepCount = stepCount
    self.isAsleep = isAsleep
  }
}

/// The one word in which a worker says how far it has come. Written by the worker alone, read by any thread.
struct ProgressWord: ~Copyable {
  /// The count shifted by one, and 1 while the worker sleeps.
  private let word = Atomic<UInt64>(0)

  var reading: WorkerProgress {
    let value = word.load(ordering: .relaxed)
    return WorkerProgress(stepCount: value >> 1, isAsleep: value & 1 == 1)
  }

  /// One step more, by a worker that is awake. A plain addition: there is one writer.
  func advance() { word.store((word.load(ordering: .relaxed) | 1) &+ 1, ordering: .relaxed) }

  /// Asleep, until the next `advance`.
  func rest() { word.store(word.load(ordering: .relaxed) | 1, ordering: .relaxed) }
}
