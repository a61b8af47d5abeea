import Glibc
import Sealing

/// Reads the key log that an agent wrote.
package enum KeyLogFile {
  private static let readByteCount = 1 << 16
  /// Far beyond the keys that a ring takes.
  private static let byteCountMax = 256 << 20

  /// - Throws: with the name of the file, and the line that is wrong.
  package static func keyRing(path: String) throws(CaptureError) -> KeyRing {
    let text = try bytes(path)
    do throws(KeyLogError) {
      return try KeyRing(parsing: text, file: path)
    } catch {
      throw CaptureError("\(error)")
    }
  }

  private static func bytes(_ path: String) throws(CaptureError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { throw failure(path) }
    defer { close(descriptor) }
    var text: [UInt8] = []
    var part = [UInt8](repeating: 0, count: readByteCount)
    while true {
      let count = read(descriptor, &part, part.count)
      if count == 0 { return text }
      guard count > 0 else {
        guard errno == EINTR else { throw failure(path) }
        continue
      }
      text += part[..<count]
      guard text.count <= byteCountMax else { throw CaptureError("\(path): larger than any key log") }
    }
  }

  private static func failure(_ path: String) -> CaptureError {
    CaptureError("\(path): \(String(cString: strerror(errno)))")
  }
}
