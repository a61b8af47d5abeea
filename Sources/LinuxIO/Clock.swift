import Glibc

/// The clocks of the system.
package enum Clock {
  /// Nanoseconds since boot: CLOCK_BOOTTIME, the one clock of the agent, which never goes backwards and counts while
  /// the machine is suspended. Costs no system call on machines with a usable time stamp counter.
  package static func now() -> UInt64 {
    var time = timespec()
    _ = clock_gettime(CLOCK_BOOTTIME, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  /// Nanoseconds that the calling thread has had a processor. Other programs disturb it less than the time of day, so
  /// what costs processor time is measured with it. A system call.
  package static func processorTime() -> UInt64 {
    var time = timespec()
    _ = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  /// Nanoseconds since 1970, as files and captures state times: CLOCK_REALTIME, which may be set at any moment.
  package static func wallTime() -> UInt64 {
    var time = timespec()
    _ = clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
