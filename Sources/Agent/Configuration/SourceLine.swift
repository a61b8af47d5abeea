/// Where in the file a value stands, for what is found wrong with it only at start.
///
/// Equal to every other: where something stands is no part of what a configuration means.
package struct SourceLine: Equatable, Sendable {
  /// Counted from 1; nil for what comes from no file.
  package let number: Int?

  package init(_ number: Int? = nil) {
    self.number = number
  }

  package static func == (_: SourceLine, _: SourceLine) -> Bool { true }
}
