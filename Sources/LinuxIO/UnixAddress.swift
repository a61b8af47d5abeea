import Glibc

/// Addresses of Unix sockets, as `bind` and `connect` want them.
package enum UnixAddress {
  /// `sun_path` holds 108 bytes with the terminating zero (unix(7)).
  static let byteCountMax = 107

  /// Whether somebody listens at a path for streams.
  package static func hasListener(at path: String) -> Bool {
    let opened = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard opened >= 0 else { return false }
    let end = FileDescriptor(owning: opened)
    do throws(Errno) {
      try with(path, "connect") { unsafe connect(end.rawValue, $0, $1) }
      return true
    } catch {
      return ![ENOENT, ECONNREFUSED].contains(error.number)
    }
  }

  /// Removes the file of a socket that nobody listens at.
  package static func removeAbandoned(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK, !hasListener(at: path) else { return }
    _ = unlink(path)
  }

  /// Makes a call with the address of a path, or of an abstract name when it begins with `@`.
  /// - Throws: what the call answers; EINVAL, and no call, for a text that can be none.
  static func with(
    _ text: String, _ call: StaticString, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) throws(Errno) {
    var path = Array(text.utf8)
    guard (1...byteCountMax).contains(path.count), !path.contains(0) else { throw Errno(EINVAL, "\(call)(\(text))") }
    let isAbstract = path[0] == UInt8(ascii: "@")
    if isAbstract { path[0] = 0 }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // SAFETY: the guard above keeps the copy inside `sun_path`.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
    // An abstract name is exactly as long as said; a path ends with its zero byte.
    let byteCount = MemoryLayout<sa_family_t>.size + path.count + (isAbstract ? 0 : 1)
    // SAFETY: `address` outlives the call, and the length is its own.
    let result = unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, socklen_t(byteCount)) }
    }
    guard result == 0 else { throw Errno(errno, "\(call)(\(text))") }
  }
}
