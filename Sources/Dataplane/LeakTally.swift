import Synchronization

/// What the workers found when they compared sealed datagrams with what had been sealed.
///
/// *Threads.* Any.
package final class LeakTally: Sendable {
  private let checks = Atomic<UInt64>(0)
  private let failures = Atomic<UInt64>(0)
  private let hasNews = Atomic<Bool>(false)
  private let onFailure: @Sendable () -> Void

  /// - Parameter onFailure: called on a worker's thread; must not block.
  init(onFailure: @escaping @Sendable () -> Void) {
    self.onFailure = onFailure
  }

  package var checkCount: UInt64 { checks.load(ordering: .relaxed) }
  /// Datagrams that showed what had been sealed. None of them left.
  package var failureCount: UInt64 { failures.load(ordering: .relaxed) }
  /// From each worker's next look on, within a second, nothing of a sealed segment leaves this process.
  var hasFailed: Bool { failureCount > 0 }

  func note(isLeak: Bool) {
    checks.wrappingAdd(1, ordering: .relaxed)
    guard isLeak else { return }
    failures.wrappingAdd(1, ordering: .relaxed)
    hasNews.store(true, ordering: .releasing)
    onFailure()
  }

  /// Whether there was a failure since this was last asked.
  package func takeNews() -> Bool { hasNews.exchange(false, ordering: .acquiringAndReleasing) }
}
