import Glibc

/// What lies in a directory.
package enum Directory {
  /// The names in it, without `.` and `..`, in no order.
  /// - Throws: what opendir(3) answered.
  package static func names(at path: String) throws(Errno) -> [String] {
    guard let directory = opendir(path) else { throw Errno.current("opendir") }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      // SAFETY: the name ends with its zero byte inside the entry, which lasts until the next call.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
