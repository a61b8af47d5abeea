import Glibc
import Sealing

/// Reads keys from files that nobody but their owner can read. What they hold is in no message, and in no memory that
/// is not locked.
enum SecretFile {
  /// Two keys have 90 bytes. The rest is for white space, and ends a file that never does.
  static let byteCountMax = 4096
  private static let othersMask: mode_t = 0o077

  /// The file's text without the white space at its end; at least one byte.
  /// - Parameter reader: the user that the agent runs as, which has to be able to read it.
  static func read(_ path: String, for reader: uid_t) throws(ValueFault) -> SecretText {
    // A pipe that nobody writes to must not hold up the start.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw unreadable(path, errno) }
    defer { close(descriptor) }
    try judge(descriptor, path, for: reader)
    var text = SecretText(byteCountMax: byteCountMax)
    while let byte = try next(from: descriptor, path) {
      guard text.append(byte) else {
        throw ValueFault(
          wrong: "\(path) is longer than \(byteCountMax) bytes", right: "name a file with nothing but keys")
      }
    }
    text.dropLast(unless: { !isBlank($0) })
    guard text.byteCount > 0 else {
      throw ValueFault(wrong: "\(path) is empty", right: "write a key of 44 characters to it")
    }
    return text
  }

  /// A zero, a tab, a line's end of any kind, or a space: what `wg` passes over behind a key.
  static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0 || (0x09...0x0D).contains(byte) || byte == 0x20
  }

  /// Of the open file, so that no other can take its place in between.
  private static func judge(_ descriptor: Int32, _ path: String, for reader: uid_t) throws(ValueFault) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw unreadable(path, errno) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw ValueFault(wrong: "\(path) is a directory", right: "name the file with the key itself")
    default: throw ValueFault(wrong: "\(path) is no regular file", right: "name a file of mode 0600 with the key")
    }
    guard status.st_mode & othersMask == 0 else {
      let mode = String(status.st_mode & 0o7777, radix: 8)
      throw ValueFault(
        wrong: "\(path) has mode 0\(mode), and others than its owner must have no right to it",
        right: "run `chmod 600 \(path)`, and make a new key if somebody may have read this one")
    }
    // What was opened as root, another user opens only if it is that user's.
    let isReadable = reader == geteuid() ? mayRead(fileOf: status.st_uid, as: reader) : status.st_uid == reader
    guard isReadable else {
      throw ValueFault(
        wrong: "\(path) belongs to user \(status.st_uid), and the agent runs as user \(reader)",
        right: "`chown` the file to user \(reader), or run the agent as the user that owns it")
    }
  }

  /// Whether a key is this user's own, or root's; of no other user even for root: who owns it can read and replace it.
  static func mayRead(fileOf owner: uid_t, as reader: uid_t) -> Bool {
    owner == reader || owner == 0
  }

  /// The next byte, or nil at the end. One at a time, so that no other buffer holds a key.
  private static func next(from descriptor: Int32, _ path: String) throws(ValueFault) -> UInt8? {
    var byte: UInt8 = 0
    while true {
      switch Glibc.read(descriptor, &byte, 1) {
      case 1: return byte
      case 0: return nil
      default: if errno != EINTR { throw unreadable(path, errno) }
      }
    }
  }

  private static func unreadable(_ path: String, _ number: Int32) -> ValueFault {
    guard number != ENOENT else {
      return ValueFault(wrong: "\(path) does not exist", right: "make it, of mode 0600, or name the file that there is")
    }
    return ValueFault(
      wrong: "\(path) cannot be read: \(String(cString: strerror(number)))",
      right: "name a file that the agent's user can read")
  }
}

/// The keys in a file's text.
extension SecretFile {
  /// The one private key in a file.
  static func privateKey(_ path: String, for reader: uid_t = geteuid()) throws(ValueFault) -> PrivateKey {
    let text = try read(path, for: reader)
    guard let key = text.withBytes({ PrivateKey(base64: $0) }) else {
      throw ValueFault(
        wrong: "\(path) holds no private key",
        right: "a key is one line with 44 characters of base64, as `vtep genkey` prints it")
    }
    return key
  }

  /// The one or two pre-shared keys in a file, each on its line, in their order.
  static func presharedKeys(_ path: String, for reader: uid_t = geteuid()) throws(ValueFault) -> [PresharedKey] {
    let text = try read(path, for: reader)
    let lines = text.withBytes { Self.lineRanges(in: $0) }
    guard lines.count <= 2 else {
      throw ValueFault(
        wrong: "\(path) has \(lines.count) lines",
        right: "write one pre-shared key, or two on a line each, the preferred first")
    }
    var keys: [PresharedKey] = []
    for (index, line) in lines.enumerated() {
      guard let key = text.withBytes({ PresharedKey(base64: $0.extracting(line)) }) else {
        throw ValueFault(
          wrong: "line \(index + 1) of \(path) is no pre-shared key",
          right: "a key is 44 characters of base64, as `vtep genpsk` prints it")
      }
      keys.append(key)
    }
    return keys
  }

  /// Where the lines are, without the white space at their ends.
  private static func lineRanges(in bytes: Span<UInt8>) -> [Range<Int>] {
    var lines: [Range<Int>] = []
    var start = 0
    for index in 0...bytes.count where index == bytes.count || bytes[index] == UInt8(ascii: "\n") {
      var end = index
      while end > start, isBlank(bytes[end - 1]) { end -= 1 }
      lines.append(start..<end)
      start = index + 1
    }
    return lines
  }
}
