import ArgumentParser
import Glibc

/// Standard output, which carries data, and standard error, which carries messages.
enum Output {
  /// Writes all of `text` to standard output.
  ///
  /// A reader that has gone, as in `vtep fdb | head`, has seen what it wanted: exit status 0 and no message.
  /// - Throws: `ExitCode` 0 then, 1 after a message when the output cannot be written, such as to a full disk.
  static func write(_ text: String) throws {
    try write(Array(text.utf8))
  }

  /// As `write(_:)`, for bytes.
  static func write(_ bytes: [UInt8]) throws {
    // Without this the process would die of SIGPIPE before it could answer for itself.
    signal(SIGPIPE, SIG_IGN)
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Glibc.write(STDOUT_FILENO, Array(rest.prefix(65_536)), min(rest.count, 65_536))
      if count >= 0 {
        rest = rest.dropFirst(count)
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: awaitRoom()
      case EPIPE: throw ExitCode.success
      case let number:
        throw failure("cannot write to standard output: \(String(cString: strerror(number)))")
      }
    }
  }

  /// Writes `vtep: message` to standard error.
  /// - Returns: what to throw for exit status 1.
  static func failure(_ message: String) -> ExitCode {
    let line = Array("vtep: \(message)\n".utf8)
    _ = Glibc.write(STDERR_FILENO, line, line.count)
    return .failure
  }

  /// A pipe that another process made non-blocking is full.
  private static func awaitRoom() {
    var waiting = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
    _ = poll(&waiting, 1, -1)
  }
}
