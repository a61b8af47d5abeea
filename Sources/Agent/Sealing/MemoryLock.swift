import Glibc

/// How much memory the process may lock, `RLIMIT_MEMLOCK`: keys lie in memory that is never swapped.
enum MemoryLock {
  /// Takes the limit away, for a process that is about to lose the right to pass it over. Where that fails the limit is
  /// what it was.
  static func lift() {
    var limit = rlimit(rlim_cur: .max, rlim_max: .max)
    _ = setrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit)
  }

  /// Raises the soft limit to the hard one, which needs no right. Where that fails the limit is what it was.
  static func raiseLimit() {
    let resource = __rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(resource, &limit)
  }
}
