import FoundationEssentials
import Glibc
import LinuxIO

/// A fresh directory that only its owner can enter, removed with its contents at the end of the value's life.
package struct LabDirectory: ~Copyable, Sendable {
  package let path: String

  /// Makes the directory under `$TMPDIR`, else under /tmp.
  /// - Parameter prefix: what its name begins with; the rest is chance.
  package init(prefix: String) throws(Errno) {
    // SAFETY: nobody in this program changes the environment.
    let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/\(prefix)XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Errno(errno, "mkdtemp \(parent)/\(prefix)XXXXXX") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      StandardStream.write("vtep: cannot remove \(path): \(error)\n", to: STDERR_FILENO)
    }
  }
}
