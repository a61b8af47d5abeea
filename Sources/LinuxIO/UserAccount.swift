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

  /// Whether this process is the user already, with nothing that it could go back to, and is in no group that is not
  /// the user's. Without the right to change groups they are what whoever started it has chosen.
  /// - Parameter mayChangeGroups: CAP_SETGID.
  package func isOwn(mayChangeGroups: Bool) -> Bool {
    var account = clinuxio_account(uid: uid, gid: gid)
    guard clinuxio_has_user(&account) == 1 else { return false }
    return !mayChangeGroups || clinuxio_has_groups(name, &account) == 1
  }
}
