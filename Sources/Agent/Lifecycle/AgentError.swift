import Glibc
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

extension AgentError {
  /// What helps where descriptors are too few.
  static let descriptorAdvice =
    "raise the hard limit (ulimit -Hn, LimitNOFILE= of the service) or have fewer segments or `source-ports`"

  /// Why a port below 1024 is not to be had.
  static let privilegedPort =
    "ports below 1024 take CAP_NET_BIND_SERVICE, which the agent gives up; name a larger one, or lower "
    + "net.ipv4.ip_unprivileged_port_start"

  /// The system said no to `what`; a limit that is in the way is named.
  static func failed(_ what: String, _ error: Errno) -> AgentError {
    guard error.number == EMFILE else { return AgentError(.failed, "\(what): \(error)") }
    let limit = DescriptorLimit.soft.map { "the limit of \($0) open files" } ?? "the limit of open files"
    return AgentError(.failed, "\(what): \(limit) is used up (\(error.call)); \(descriptorAdvice)")
  }
}
