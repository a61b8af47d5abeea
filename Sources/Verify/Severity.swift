/// How bad it is that a rule is broken.
package enum Severity: String, Sendable {
  /// The verdict is `fail`.
  case error
  /// The verdict is `fail` under `--strict` only.
  case warning
}
