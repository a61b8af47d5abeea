import Glibc
import LinuxIO

/// The text of a configuration with its name: what a `Configuration` is read from, alone or with what was changed since
/// at run time.
package struct ConfigurationFile: Sendable {
  /// As the user named it; for error messages.
  package let path: String
  let bytes: [UInt8]

  init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }

  /// Reads the file at `path`, which may be a pipe.
  /// - Throws: one problem, why it cannot be read.
  package static func read(path: String) throws(ConfigurationError) -> ConfigurationFile {
    do {
      return ConfigurationFile(path: path, bytes: try contents(of: path))
    } catch {
      let reason = String(cString: strerror(error.number))
      let problem = ConfigurationProblem(line: nil, message: "cannot be read: \(reason); name a readable YAML file")
      throw ConfigurationError(file: path, problems: [problem])
    }
  }

  /// Checks what the file says.
  /// - Throws: every problem that was found.
  package func configuration() throws(ConfigurationError) -> Configuration {
    try configuration(with: RunTimeChanges())
  }

  /// Checks what the file says together with what was changed since, by the same rules.
  /// - Throws: every problem that was found.
  func configuration(with changes: RunTimeChanges) throws(ConfigurationError) -> Configuration {
    let source: ConfigurationText
    let document: ConfigurationDocument
    do {
      source = try ConfigurationText(bytes)
      document = try ConfigurationDocument(source)
    } catch {
      throw ConfigurationError(file: path, problems: [error])
    }
    let places = ConfigurationPlaces(changes, behindLine: source.lineCount)
    let reader = ConfigurationReader(changes: changes, places: places)
    guard let configuration = reader.read(document) else {
      throw places.resolved(ConfigurationError(file: path, problems: reader.problems.problems))
    }
    return configuration
  }

  /// As `Configuration.secrets(file:)`.
  func secrets(
    of configuration: Configuration, with changes: RunTimeChanges
  ) throws(ConfigurationError) -> LocalSecrets? {
    do {
      return try configuration.secrets(file: path)
    } catch {
      throw places(with: changes).resolved(error)
    }
  }

  /// Where lines of a configuration that was read from here are.
  func places(with changes: RunTimeChanges) -> ConfigurationPlaces {
    ConfigurationPlaces(changes, behindLine: (try? ConfigurationText(bytes))?.lineCount ?? 0)
  }

  /// The line of a key such as `local.port`, or of the section that lacks it.
  func line(of key: String) -> Int? {
    guard let document = try? ConfigurationDocument(ConfigurationText(bytes)) else { return nil }
    return document.line(of: key.split(separator: ".").map(String.init))
  }

  /// The file's bytes, and no more than one above the limit.
  private static func contents(of path: String) throws(Errno) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Errno.current("open") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= Configuration.Limits.fileByteCountMax {
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
