import Glibc

/// The signals that the main thread waits for. Blocked before any other thread exists, so no thread is interrupted.
package struct SignalSet {
  private var set = sigset_t()

  /// Blocks the signals in the calling thread, and in every thread that it starts from now on.
  package init(blocking signals: [Int32]) {
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Waits for one of the signals; nil when `timeout` is over. Without a timeout it waits for ever.
  package mutating func wait(timeout: Duration?) -> Int32? {
    guard let timeout else {
      let signal = sigwaitinfo(&set, nil)
      return signal > 0 ? signal : nil
    }
    let (seconds, attoseconds) = max(timeout, .zero).components
    var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    let signal = sigtimedwait(&set, nil, &time)
    return signal > 0 ? signal : nil
  }
}
