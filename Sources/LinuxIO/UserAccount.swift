import CLinuxIO
import Glibc

/// A user of this system.
package struct UserAccount: Equatable, Sendable {
  package let name: String
  package let uid: uid_t
  /// The primary group.
  package let gid: gid_t

  /// Asks the system's databases (nsswitch.conf(5)). Nil when there is no such user.
  /// - Throws: what getpwnam_r(3) answered.
  package init?(named name: String) throws(Errno) {
    var account = clinuxio_account()
    let failure = clinuxio_account_find(name, &account)
    guard failure != ENOENT else { return nil }
    guard failure == 0 else { throw Errno(failure, "getpwnam_r \(name)") }
    self.name = name
    uid = account.uid
    gid = account.gid
  }

  /// Whether this process is the user already, really and in effect.
  package var isOwn: Bool { getuid() == uid && geteuid() == uid }
}
