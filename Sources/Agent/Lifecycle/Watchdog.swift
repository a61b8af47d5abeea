import Dataplane
import LinuxIO
import Logging
import VXLAN

/// Tells the service manager that the agent goes on, while it does: the main thread goes round, or it could not tell,
/// and every worker has counted since the last time, for which one that sleeps is nudged.
///
/// Of the main thread.
struct Watchdog {
  /// What is asked of a worker.
  struct Subject {
    let number: Int
    let progress: () -> WorkerProgress
    let nudge: () -> Void
  }

  private let interval: Duration
  private let subjects: [Subject]
  private let tell: () -> Void
  private let log: Logger
  private var next: Instant
  /// By subject, how far it was at the last look.
  private var counts: [UInt64]
  /// Those that did not go on at the last look.
  private var stalled: Set<Int> = []

  /// - Parameters:
  ///   - interval: between two notifications.
  ///   - tell: sends one.
  init(interval: Duration, subjects: [Subject], now: Instant, log: Logger, tell: @escaping () -> Void) {
    self.interval = interval
    self.subjects = subjects
    self.tell = tell
    self.log = log
    next = now + interval
    counts = subjects.map { $0.progress().stepCount }
    for subject in subjects { subject.nudge() }
  }

  /// Nil when the service manager does not wait for notifications.
  /// - Parameter otherwise: between two notifications where the environment says nothing; one that nobody waits for
  ///   does no harm.
  static func fromEnvironment(
    _ notification: ServiceNotification, workers: [Worker], otherwise: Duration?, log: Logger
  ) -> Watchdog? {
    guard let interval = WatchdogInterval.fromEnvironment() ?? otherwise else { return nil }
    return Watchdog(
      interval: interval, subjects: workers.map(Subject.init), now: Instant(nanoseconds: Clock.now()), log: log
    ) {
      do throws(Errno) {
        try notification.watchdog()
      } catch {
        log.warning("the service manager was not told", metadata: ["error": "\(error)"])
      }
    }
  }

  /// Notifies when that is due. Answers when it wants to be called again.
  mutating func turn() -> Duration { turn(now: Instant(nanoseconds: Clock.now())) }

  mutating func turn(now: Instant) -> Duration {
    guard next <= now else { return next.since(now) }
    next = now + interval
    look()
    if stalled.isEmpty { tell() }
    return interval
  }

  /// Finds those that have not gone on since the last look, and tells of each once.
  private mutating func look() {
    for (place, subject) in subjects.enumerated() {
      let count = subject.progress().stepCount
      let isStalled = count == counts[place]
      counts[place] = count
      subject.nudge()
      guard isStalled != stalled.contains(place) else { continue }
      if isStalled {
        stalled.insert(place)
        log.error(
          "a worker does not go on; the service manager is not told that the agent lives",
          metadata: ["worker": "\(subject.number)"])
      } else {
        stalled.remove(place)
        log.notice("the worker goes on", metadata: ["worker": "\(subject.number)"])
      }
    }
  }
}
