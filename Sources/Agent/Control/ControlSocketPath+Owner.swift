import Glibc
import LinuxIO

/// Whose directory the socket is made in.
extension ControlSocketPath {
  /// Makes the parent directory for `account` where it is missing, mode 0755, and hands an existing one over to it that
  /// is root's and holds nothing but the socket: left by an agent that stayed root. Any other is left as it is.
  ///
  /// For root, before it becomes that user.
  /// - Throws: `socket-failed`.
  func prepareDirectory(for account: UserAccount) throws(ControlError) {
    guard let parent else { return }
    let isNew = mkdir(parent, 0o755) == 0
    let directory = open(parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    // What is no directory, or not there, is told by whoever makes the socket.
    guard directory >= 0 else { return }
    defer { close(directory) }
    guard isNew || isLeft(directory, parent) else { return }
    guard fchown(directory, account.uid, account.gid) == 0 else {
      let error = Errno.current("fchown")
      throw ControlError(.socketFailed, "cannot give the directory \(parent) to user \(account.name): \(error)")
    }
  }

  /// Whether the directory is root's alone and empty but for the socket.
  private func isLeft(_ directory: CInt, _ parent: String) -> Bool {
    var status = stat()
    guard fstat(directory, &status) == 0, status.st_uid == 0, status.st_mode & 0o1022 == 0,
      let names = try? Directory.names(at: parent)
    else { return false }
    let own = text.dropFirst(parent.utf8.count + 1)
    return names.allSatisfy { $0 == own }
  }
}
