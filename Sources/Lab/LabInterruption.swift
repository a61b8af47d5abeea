import Glibc

/// The signals that end the lab in order, asked for between two things instead of caught at any moment.
package struct LabInterruption: Sendable {
  private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGPIPE]

  private let set: sigset_t

  /// Holds the signals back in this thread and in those that it starts from now on.
  package static func begin() -> LabInterruption {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    pthread_sigmask(SIG_BLOCK, &set, nil)
    return LabInterruption(set: set)
  }

  /// Sleeps for up to `milliseconds` (below 1000); 0 just asks.
  /// - Throws: `.interrupted` as soon as one of the signals has come.
  package func pause(milliseconds: Int) throws(LabFailure) {
    var set = set
    var time = timespec(tv_sec: 0, tv_nsec: milliseconds * 1_000_000)
    let signal = sigtimedwait(&set, nil, &time)
    if signal > 0 { throw .interrupted(signal: signal) }
  }

  /// Sleeps for any time.
  /// - Throws: as `pause(milliseconds:)`.
  package func pause(seconds: Double) throws(LabFailure) {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
      let rest = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
      guard rest > 0 else { return }
      try pause(milliseconds: min(Int(rest.rounded(.up)), 500))
    }
  }
}
