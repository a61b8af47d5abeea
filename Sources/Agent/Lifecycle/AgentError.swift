import LinuxIO

/// Why the agent did not start, or could not go on.
package struct AgentError: Error, Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    /// The configuration asks for what this host cannot give: exit status 78.
    case refused
    /// The system said no: exit status 1.
    case failed
  }

  package let kind: Kind
  /// One line: where, what is wrong, and what would be right.
  package let message: String
  /// The line of the configuration that is meant, if it is one.
  package let line: Int?

  package init(_ kind: Kind, _ message: String, line: Int? = nil) {
    self.kind = kind
    self.message = message
    self.line = line
  }

  package var exitStatus: Int32 { kind == .refused ? 78 : 1 }
}

extension AgentError: CustomStringConvertible {
  package var description: String { message }
}
