import Glibc
import Synchronization

/// SIGINT and SIGTERM, which end a capture in good order.
package enum StopSignal {
  /// Seconds that who reads has to take what was gathered.
  private static let patience: UInt32 = 1

  private static let wasRaised = Atomic<Bool>(false)
  private static let hasWaited = Atomic<Bool>(false)

  package static var isRaised: Bool { wasRaised.load(ordering: .relaxed) }

  /// A second has gone since, so that nothing is to be waited for any more.
  package static var isOverdue: Bool { hasWaited.load(ordering: .relaxed) }

  /// From now on the signals are noted, and system calls that wait return; of those that come later, every second.
  package static func catchAll() {
    // What is lazy is made before a signal can come.
    wasRaised.store(false, ordering: .relaxed)
    hasWaited.store(false, ordering: .relaxed)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { number in
      if number == SIGALRM { StopSignal.hasWaited.store(true, ordering: .relaxed) }
      StopSignal.wasRaised.store(true, ordering: .relaxed)
      alarm(StopSignal.patience)
    }
    for number in [SIGINT, SIGTERM, SIGALRM] { _ = sigaction(number, &action, nil) }
  }
}
