import FoundationEssentials
import Glibc
import LinuxIO

/// A fresh directory that only its owner can enter, removed with its contents at the end of the value's life.
struct DemoDirectory: ~Copyable, Sendable {
  let path: String

  /// Makes the directory under `$TMPDIR`, else under /tmp.
  init() throws(Errno) {
    // SAFETY: nobody in this program changes the environment.
    let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/vtep-demo-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Errno(errno, "mkdtemp \(parent)/vtep-demo-XXXXXX") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      DemoOutput(stepCount: 0).complain("vtep demo: cannot remove \(path): \(error)")
    }
  }
}
