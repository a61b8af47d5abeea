import Glibc
import LinuxIO

/// Who is at the other end of a Unix socket, as the kernel recorded it at `connect`.
/// - SeeAlso: unix(7), SO_PEERCRED; SO_PEERGROUPS of Linux 4.13.
package struct PeerCredentials: Equatable, Sendable {
  package let uid: uid_t
  package let gid: gid_t
  /// The supplementary groups.
  package let groups: [gid_t]

  /// `SO_PEERGROUPS`, which Glibc does not name.
  private static let peerGroupsOption: CInt = 59
  /// The kernel's NGROUPS_MAX.
  private static let groupCountMax = 65_536

  package init(uid: uid_t, gid: gid_t, groups: [gid_t]) {
    self.uid = uid
    self.gid = gid
    self.groups = groups
  }

  /// Asks the kernel about the connected socket `descriptor`, which stays the caller's.
  package init(of descriptor: CInt) throws(Errno) {
    // `struct ucred`, which Glibc shows to C only with _GNU_SOURCE: pid, uid and gid, 32 bits each.
    var credentials: [UInt32] = [0, 0, 0]
    var length = socklen_t(credentials.count * MemoryLayout<UInt32>.stride)
    guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else {
      throw Errno.current("getsockopt SO_PEERCRED")
    }
    self.init(uid: credentials[1], gid: credentials[2], groups: try Self.groups(of: descriptor))
  }

  private static func groups(of descriptor: CInt) throws(Errno) -> [gid_t] {
    var groups = [gid_t](repeating: 0, count: 64)
    while true {
      var length = socklen_t(groups.count * MemoryLayout<gid_t>.stride)
      if getsockopt(descriptor, SOL_SOCKET, peerGroupsOption, &groups, &length) == 0 {
        return Array(groups.prefix(Int(length) / MemoryLayout<gid_t>.stride))
      }
      let failure = Errno.current("getsockopt SO_PEERGROUPS")
      guard failure.number == ERANGE, groups.count < groupCountMax else { throw failure }
      groups = [gid_t](repeating: 0, count: groupCountMax)
    }
  }
}

/// Who may use the control socket: root, the agent's own user, and the members of the group that owns the socket file.
///
/// The mode 0660 says the same; this holds also when somebody widened the mode.
package struct ControlAccess: Equatable, Sendable {
  package let uid: uid_t
  package let gid: gid_t

  package init(uid: uid_t, gid: gid_t) {
    self.uid = uid
    self.gid = gid
  }

  package func admits(_ peer: PeerCredentials) -> Bool {
    peer.uid == 0 || peer.uid == uid || peer.gid == gid || peer.groups.contains(gid)
  }
}
