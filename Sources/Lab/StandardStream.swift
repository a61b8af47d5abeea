import Glibc

/// Standard output and standard error, for texts that are to be seen at once.
package enum StandardStream {
  /// Writes all of `text`, unless nobody reads any more: then SIGPIPE is pending and `LabInterruption` tells.
  /// - Parameter descriptor: `STDOUT_FILENO` or `STDERR_FILENO`.
  package static func write(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest, rest.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      rest.removeFirst(count)
    }
  }
}
