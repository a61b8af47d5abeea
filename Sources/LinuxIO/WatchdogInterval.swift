import Glibc

/// How often the service manager wants to hear that the service goes on.
/// - SeeAlso: sd_watchdog_enabled(3).
package enum WatchdogInterval {
  /// Half of what the environment of this process allows between two notifications; nil when nobody waits for any.
  package static func fromEnvironment() -> Duration? {
    interval(usec: variable("WATCHDOG_USEC"), pid: variable("WATCHDOG_PID"), own: getpid())
  }

  /// The same for values of the two variables, in the process `own`. Nil also for what is no number of microseconds.
  static func interval(usec: String?, pid: String?, own: pid_t) -> Duration? {
    guard let usec, let microseconds = Int64(usec), microseconds > 0 else { return nil }
    guard pid == nil || pid_t(pid ?? "") == own else { return nil }
    return max(.microseconds(microseconds) / 2, .milliseconds(1))
  }

  private static func variable(_ name: String) -> String? {
    // SAFETY: nobody in this program changes the environment.
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }
}
