import Glibc

/// The one clock of the agent: CLOCK_BOOTTIME, which never goes backwards and counts while the machine is suspended.
package enum Clock {
  /// Nanoseconds since boot. Costs no system call on machines with a usable time stamp counter.
  package static func now() -> UInt64 {
    var time = timespec()
    _ = clock_gettime(CLOCK_BOOTTIME, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
