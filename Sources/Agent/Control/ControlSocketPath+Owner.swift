import Glibc
import LinuxIO

/// Whose directory the socket is made in.
extension ControlSocketPath {
  /// Makes the parent directory for `account` where it is missing, mode 0755, and hands an existing one over to it that
  /// is root's and holds nothing but an agent's sockets: left by one that stayed root. An empty one may be anybody's,
  /// such as /mnt, but for `own`. Any other is left as it is.
  ///
  /// For root, before it becomes that user.
  /// - Throws: `socket-failed`.
  func prepareDirectory(
    for account: UserAccount, own: String = Self.standardDirectory
  ) throws(ControlError) {
    guard let parent else { return }
    let isNew = mkdir(parent, 0o755) == 0
    let directory = open(parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    // What is no directory, or not there, is told by whoever makes the socket.
    guard directory >= 0 else { return }
    defer { close(directory) }
    guard let sockets = isNew ? [] : left(in: directory, parent, own: own) else { return }
    // The user may not even ask whether somebody listens.
    for name in sockets { UnixAddress.removeAbandoned("\(parent)/\(name)") }
    guard fchown(directory, account.uid, account.gid) == 0 else {
      let error = Errno.current("fchown")
      throw ControlError(.socketFailed, "cannot give the directory \(parent) to user \(account.name): \(error)")
    }
  }

  /// The names of an agent's sockets in the directory; nil where it is not root's alone, or holds something else, or
  /// nothing and is not `own`.
  private func left(in directory: CInt, _ parent: String, own: String) -> [String]? {
    var status = stat()
    guard fstat(directory, &status) == 0, status.st_uid == 0, status.st_mode & 0o1022 == 0,
      let names = try? Directory.names(at: parent), !names.isEmpty || parent == own
    else { return nil }
    let socket = String(text.dropFirst(parent.utf8.count + 1))
    let suffixes = ["", TakeoverOffer.suffix, CaptureOffer.suffix]
    let sockets = Set(suffixes.flatMap { [socket + $0, socket + $0 + Self.nextSuffix] })
    let areSockets = names.allSatisfy { name in
      sockets.contains(name) && (try? ControlSocketPath("\(parent)/\(name)").existing()) != nil
    }
    return areSockets ? names : nil
  }
}
