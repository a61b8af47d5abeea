import Glibc

/// Clocks that count the time of processors instead of that on the wall.
package enum ProcessorClock {
  /// Nanoseconds that all threads of a process have run, in the kernel and outside, since it began.
  /// - Throws: `ESRCH` when there is no such process.
  package static func nanoseconds(ofProcess pid: pid_t) throws(Errno) -> UInt64 {
    var clock = clockid_t()
    let number = clock_getcpuclockid(pid, &clock)
    guard number == 0 else { throw Errno(number, "clock_getcpuclockid \(pid)") }
    var time = timespec()
    guard clock_gettime(clock, &time) == 0 else { throw Errno.current("clock_gettime(process)") }
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
