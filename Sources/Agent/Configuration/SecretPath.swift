/// A file with keys that the configuration names, and where it does.
package struct SecretPath: Equatable, Sendable {
  package var path: String
  package var line = SourceLine()

  package init(_ path: String, line: SourceLine = SourceLine()) {
    self.path = path
    self.line = line
  }
}
