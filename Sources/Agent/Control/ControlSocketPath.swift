import Glibc
import LinuxIO
import NIOCore

/// The path of the control socket, checked, and what stands at it.
package struct ControlSocketPath: Hashable, Sendable {
  /// Where the agent listens and its commands look unless told otherwise.
  package static let standard = standardDirectory + "/control.sock"
  static let standardDirectory = "/run/vtep"
  /// `sun_path` holds 108 bytes with the terminating zero (unix(7)).
  package static let byteCountMax = 107
  /// Owner and group; not a moment of anybody else.
  static let mode: mode_t = 0o660
  /// Connections that wait for `accept`: twice what is served at a time.
  private static let backlog: CInt = 128

  /// What is added to a path while another agent has it.
  static let nextSuffix = ".next"

  package let text: String

  /// - Throws: `socket-path` when no socket can have this path.
  package init(_ text: String) throws(ControlError) {
    guard !text.isEmpty, !text.utf8.contains(0) else {
      throw ControlError(.socketPath, "the path of the control socket must not be empty or hold a zero byte")
    }
    guard text.utf8.count <= Self.byteCountMax else {
      throw ControlError(
        .socketPath,
        "the path of the control socket, \(text), has \(text.utf8.count) bytes; the most is \(Self.byteCountMax)")
    }
    self.text = text
  }

  /// As `bind` and `connect` want it. NIO's own initialiser stops at 103 bytes, the bound of other systems.
  var address: SocketAddress {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // SAFETY: the copy stays inside `sun_path`: `init` bounds the path to 107 bytes of its 108; the rest stays zero.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: text.utf8) }
    return SocketAddress(address)
  }

  /// Nil: the root, or where the process stands.
  var parent: String? {
    guard let slash = text.lastIndex(of: "/"), slash != text.startIndex else { return nil }
    return String(text[..<slash])
  }

  /// Makes the parent directory if it is missing, mode 0755 under the process's umask.
  func createParentDirectory() throws(ControlError) {
    guard let parent else { return }
    guard mkdir(parent, 0o755) != 0, errno != EEXIST else { return }
    let reason = Self.explain(Errno.current("mkdir"))
    throw ControlError(.socketFailed, "cannot create the directory \(parent) of the control socket: \(reason)")
  }

  /// The device and inode that the path names now; nil when there is nothing.
  /// - Throws: `socket-path` when something else than a socket is there.
  func existing() throws(ControlError) -> FileIdentity? {
    var status = stat()
    guard lstat(text, &status) == 0 else {
      if errno == ENOENT { return nil }
      throw ControlError(.socketFailed, "cannot look at the control socket \(text): \(Errno.current("lstat"))")
    }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw ControlError(
        .socketPath, "\(text) exists and is not a socket; name another path or remove what is there")
    }
    return FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino), gid: status.st_gid)
  }

  /// Removes the socket file; no error if it is gone already.
  func remove() throws(ControlError) {
    guard unlink(text) != 0, errno != ENOENT else { return }
    throw ControlError(.socketFailed, "cannot remove the socket file \(text): \(Errno.current("unlink"))")
  }

  /// A socket that listens at the path, with mode 0660. The descriptor is the caller's.
  ///
  /// `bind` gives the file the mode of the socket's own inode less the umask, so that `fchmod` before it leaves no
  /// moment of a wider mode, without touching the umask of a process with other threads.
  /// - Throws: `socket-failed`; nothing stays behind then.
  func listen() throws(ControlError) -> CInt {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure("socket") }
    guard fchmod(descriptor, Self.mode) == 0 else { throw failure("fchmod", closing: descriptor) }
    guard bind(descriptor) == 0 else { throw failure("bind", closing: descriptor) }
    // The full mode, of which a strict umask left less.
    let failed: StaticString? =
      chmod(text, Self.mode) != 0 ? "chmod" : Glibc.listen(descriptor, Self.backlog) != 0 ? "listen" : nil
    guard let failed else { return descriptor }
    let error = failure(failed, closing: descriptor)
    _ = unlink(text)
    throw error
  }

  private func bind(_ descriptor: CInt) -> CInt {
    address.withSockAddr { pointer, byteCount in
      // SAFETY: `bind` reads `byteCount` bytes, which `pointer` has during this closure.
      unsafe Glibc.bind(descriptor, pointer, socklen_t(byteCount))
    }
  }

  private func failure(_ call: StaticString, closing descriptor: CInt? = nil) -> ControlError {
    let reason = Self.explain(Errno.current(call))
    if let descriptor { close(descriptor) }
    return ControlError(.socketFailed, "cannot listen on \(text): \(reason)")
  }

  /// The claim of the socket is the first thing that the agent needs a right for.
  private static func explain(_ error: Errno) -> String {
    guard [EACCES, EPERM].contains(error.number) else { return "\(error)" }
    return "\(error); the agent runs as user \(geteuid()): name a `control.socket` where that user may write"
  }
}

/// Which file a path named at some moment, so that nobody removes a later one, and its group.
struct FileIdentity: Equatable, Sendable {
  let device: UInt64
  let inode: UInt64
  let gid: gid_t
}
