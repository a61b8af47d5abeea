extension Configuration {
  /// Reads and checks the file at `path`, which may be a pipe.
  /// - Throws: `ConfigurationError` with every problem that was found.
  package static func load(path: String) throws(ConfigurationError) -> Configuration {
    try ConfigurationFile.read(path: path).configuration()
  }

  /// Checks a configuration that is at hand; `file` is its name in error messages.
  /// - Throws: `ConfigurationError` with every problem that was found.
  package static func parse(_ text: String, file: String) throws(ConfigurationError) -> Configuration {
    try parse(bytes: Array(text.utf8), file: file)
  }

  /// As `parse(_:file:)`, for bytes that need not be UTF-8.
  package static func parse(bytes: [UInt8], file: String) throws(ConfigurationError) -> Configuration {
    try ConfigurationFile(path: file, bytes: bytes).configuration()
  }
}
