import ArgumentParser
import Capture
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
    try write(bytes.span)
  }

  /// As `write(_:)`, for bytes that are not copied: who wipes them has wiped all.
  static func write(_ bytes: Span<UInt8>) throws {
    // Without this the process would die of SIGPIPE before it could answer for itself.
    signal(SIGPIPE, SIG_IGN)
    switch write(bytes, to: STDOUT_FILENO) {
    case nil: return
    case EPIPE: throw ExitCode.success
    case let number?:
      throw failure("cannot write to standard output: \(String(cString: strerror(number)))")
    }
  }

  /// Writes all of `bytes`, which are not copied, and waits where it must.
  /// - Returns: `errno` where they cannot be written.
  static func write(_ bytes: Span<UInt8>, to descriptor: Int32) -> Int32? {
    var writtenCount = 0
    while writtenCount < bytes.count {
      // SAFETY: only read, and only during the call.
      let count = unsafe bytes.extracting(droppingFirst: writtenCount).withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count >= 0 {
        writtenCount += count
        continue
      }
      switch errno {
      case EINTR where StopSignal.isOverdue: return EINTR
      case EINTR: continue
      case EAGAIN where StopSignal.isOverdue: return EAGAIN
      case EAGAIN: awaitRoom(descriptor)
      case let number: return number
      }
    }
    return nil
  }

  /// Writes `vtep: message` to standard error.
  /// - Returns: what to throw for exit status 1.
  static func failure(_ message: String) -> ExitCode {
    say(message)
    return .failure
  }

  /// Writes `vtep: warning: message` to standard error, and goes on.
  static func warn(_ message: String) {
    say("warning: \(message)")
  }

  /// Writes `vtep: message` to standard error.
  static func say(_ message: String) {
    let line = Array("vtep: \(message)\n".utf8)
    _ = Glibc.write(STDERR_FILENO, line, line.count)
  }

  /// A pipe that another process made non-blocking is full.
  private static func awaitRoom(_ descriptor: Int32) {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    _ = poll(&waiting, 1, -1)
  }
}
