import Glibc

/// How many files the process may have open at a time: `RLIMIT_NOFILE`.
package enum DescriptorLimit {
  /// Raises the soft limit, 1,024 by custom, to the hard one, which needs no right. Before descriptors are opened.
  /// - Throws: EPERM in a sandbox that forbids it; the limit is then what it was.
  package static func raise() throws(Errno) {
    var limit = try current()
    guard limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = limit.rlim_max
    guard setrlimit(resource, &limit) == 0 else { throw .current("setrlimit") }
  }

  /// The limit in force; nil when it cannot be read.
  package static var soft: UInt64? { (try? current()).map { UInt64($0.rlim_cur) } }

  private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

  private static func current() throws(Errno) -> rlimit {
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { throw .current("getrlimit") }
    return limit
  }
}
