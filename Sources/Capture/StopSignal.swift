import Glibc
import Synchronization

/// SIGINT and SIGTERM, which end a capture in good order.
package enum StopSignal {
  private static let wasRaised = Atomic<Bool>(false)

  package static var isRaised: Bool { wasRaised.load(ordering: .relaxed) }

  /// From now on the signals are noted, and system calls that wait return.
  package static func catchAll() {
    // What is lazy is made before a signal can come.
    wasRaised.store(false, ordering: .relaxed)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in StopSignal.wasRaised.store(true, ordering: .relaxed) }
    for number in [SIGINT, SIGTERM] { _ = sigaction(number, &action, nil) }
  }
}
