import CLinuxIO
import Glibc

/// Rights of root that a thread may have one by one.
/// - SeeAlso: capabilities(7).
package struct Capabilities: OptionSet, Sendable {
  /// Bit n is capability n.
  package let rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// Changes groups.
  package static let setGID = Capabilities(rawValue: 1 << 6)
  /// Devices, addresses, routes, buffers beyond the limits: what an agent lives by.
  package static let netAdmin = Capabilities(rawValue: 1 << 12)
  /// Locks memory without a limit.
  package static let ipcLock = Capabilities(rawValue: 1 << 14)
  /// Raises limits beyond the hard ones.
  package static let sysResource = Capabilities(rawValue: 1 << 24)

  /// Those in effect for the calling thread.
  package static func effective() throws(Errno) -> Capabilities {
    Capabilities(rawValue: try sets().effective)
  }

  /// Gives up all but `kept`, of which the thread keeps what it has; for good, also across execve. With `account` the
  /// thread becomes that user on the way.
  ///
  /// A thread changes itself alone: to be called while there is no other, and those to come inherit it.
  /// - Throws: EBUSY beside other threads; EPERM when this process may not become that user. Then the process is to
  ///   end: some of it may be done.
  package static func keepOnly(_ kept: Capabilities, becoming account: UserAccount?) throws(Errno) {
    let threadCount = try Directory.names(at: "/proc/self/task").count
    guard threadCount == 1 else { throw Errno(EBUSY, "giving up privileges beside \(threadCount - 1) other threads") }
    // The last moment for it, and void where somebody has done it: without the right there is nothing to regain.
    let bounded = clinuxio_bounding_keep(kept.rawValue)
    guard bounded == 0 || bounded == EPERM else { throw Errno(bounded, "prctl PR_CAPBSET_DROP") }
    if let account, !account.isOwn(mayChangeGroups: try effective().contains(.setGID)) {
      var found = clinuxio_account(uid: account.uid, gid: account.gid)
      try check(clinuxio_become(account.name, &found), "becoming user \(account.name)")
    }
    try check(clinuxio_ambient_clear(), "prctl PR_CAP_AMBIENT")
    let permitted = try sets().permitted & kept.rawValue
    var left = clinuxio_capabilities(effective: permitted, permitted: permitted, inheritable: 0)
    try check(clinuxio_capabilities_write(&left), "capset")
    try check(clinuxio_no_new_privileges(), "prctl PR_SET_NO_NEW_PRIVS")
  }

  private static func sets() throws(Errno) -> clinuxio_capabilities {
    var sets = clinuxio_capabilities()
    try check(clinuxio_capabilities_read(&sets), "capget")
    return sets
  }

  private static func check(_ failure: Int32, _ call: String) throws(Errno) {
    guard failure == 0 else { throw Errno(failure, call) }
  }
}
