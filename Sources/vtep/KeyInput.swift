import ArgumentParser
import Glibc
import Sealing

/// A key on standard input.
enum KeyInput {
  /// A key and its newline are 45 bytes. The rest is for white space, and ends an input that never does.
  static let byteCountMax = 4096

  /// Reads all of standard input, without the white space and zeros at its end, which `wg` passes over too.
  /// - Throws: `ExitCode` 1 after a message when it cannot be read or is longer than `byteCountMax`.
  static func read() throws -> SecretText {
    var text = SecretText(byteCountMax: byteCountMax)
    while let byte = try next() {
      guard text.append(byte) else {
        throw Output.failure("standard input is longer than \(byteCountMax) bytes; a private key has 44 characters")
      }
    }
    text.dropLast(unless: { !isBlank($0) })
    return text
  }

  /// The next byte, or nil at the end. One at a time, so that no other buffer holds a key.
  private static func next() throws -> UInt8? {
    var byte: UInt8 = 0
    while true {
      switch Glibc.read(STDIN_FILENO, &byte, 1) {
      case 1: return byte
      case 0: return nil
      default: break
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: awaitByte()
      case let number: throw Output.failure("cannot read standard input: \(String(cString: strerror(number)))")
      }
    }
  }

  /// Another process made the pipe non-blocking, and nothing is there yet.
  private static func awaitByte() {
    var waiting = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    _ = poll(&waiting, 1, -1)
  }

  /// A zero, a tab, a line's end of any kind, or a space.
  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0 || (0x09...0x0D).contains(byte) || byte == 0x20
  }
}
