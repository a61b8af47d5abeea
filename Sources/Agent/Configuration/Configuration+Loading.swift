import Glibc
import LinuxIO

extension Configuration {
  /// Reads and checks the file at `path`, which may be a pipe.
  /// - Throws: `ConfigurationError` with every problem that was found.
  package static func load(path: String) throws(ConfigurationError) -> Configuration {
    let bytes: [UInt8]
    do {
      bytes = try contents(of: path)
    } catch {
      let reason = String(cString: strerror(error.number))
      let problem = ConfigurationProblem(
        line: nil, message: "cannot be read: \(reason); name a readable YAML file")
      throw ConfigurationError(file: path, problems: [problem])
    }
    return try parse(bytes: bytes, file: path)
  }

  /// Checks a configuration that is at hand; `file` is its name in error messages.
  /// - Throws: `ConfigurationError` with every problem that was found.
  package static func parse(_ text: String, file: String) throws(ConfigurationError) -> Configuration {
    try parse(bytes: Array(text.utf8), file: file)
  }

  /// As `parse(_:file:)`, for bytes that need not be UTF-8.
  package static func parse(bytes: [UInt8], file: String) throws(ConfigurationError) -> Configuration {
    let document: ConfigurationDocument
    do {
      document = try ConfigurationDocument(ConfigurationText(bytes))
    } catch {
      throw ConfigurationError(file: file, problems: [error])
    }
    let reader = ConfigurationReader()
    guard let configuration = reader.read(document) else {
      throw ConfigurationError(file: file, problems: reader.problems.problems)
    }
    return configuration
  }

  /// The file's bytes, and no more than one above the limit.
  private static func contents(of path: String) throws(Errno) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Errno.current("open") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= Limits.fileByteCountMax {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 {
        let failure = Errno.current("read")
        guard failure.number == EINTR else { throw failure }
        continue
      }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return bytes
  }
}
