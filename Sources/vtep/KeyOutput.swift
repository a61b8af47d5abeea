import Glibc
import Sealing

/// A secret key on standard output.
enum KeyOutput {
  /// Writes `text` and a newline, after a warning where others than the owner may read what is written.
  /// - Throws: as `Output.write`.
  static func write(_ text: consuming SecretText) throws {
    let hasRoom = text.append(UInt8(ascii: "\n"))
    precondition(hasRoom, "a key's text has room for its newline")
    warnOfOthers()
    try text.withBytes { try Output.write($0) }
  }

  /// A file with any right for group or others is one that no agent is to take a key from.
  private static func warnOfOthers() {
    var status = stat()
    guard fstat(STDOUT_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o077 != 0 else {
      return
    }
    let mode = String(status.st_mode & 0o777, radix: 8)
    Output.warn(
      "standard output is a file of mode 0\(mode), so that others than its owner may use the key; umask 077 first,"
        + " and make another key")
  }
}
