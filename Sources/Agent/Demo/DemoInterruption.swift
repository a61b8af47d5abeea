import Glibc

/// The signals that end the demonstration in order, asked for between two things instead of caught at any moment.
struct DemoInterruption: Sendable {
  private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGPIPE]

  private let set: sigset_t

  /// Holds the signals back in this thread and in those that it starts from now on.
  static func begin() -> DemoInterruption {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    pthread_sigmask(SIG_BLOCK, &set, nil)
    return DemoInterruption(set: set)
  }

  /// Sleeps for up to `milliseconds` (below 1000); 0 just asks.
  /// - Throws: `.interrupted` as soon as one of the signals has come.
  func pause(milliseconds: Int) throws(DemoFailure) {
    var set = set
    var time = timespec(tv_sec: 0, tv_nsec: milliseconds * 1_000_000)
    let signal = sigtimedwait(&set, nil, &time)
    if signal > 0 { throw .interrupted(signal: signal) }
  }
}
