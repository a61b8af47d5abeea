/// What went wrong on the control socket, on either side of it: a code for programs and one sentence for people.
package struct ControlError: Error, Equatable, Sendable {
  /// The stable names. What is here stays; an answer may carry a code that an older client does not know.
  package enum Code: String, CaseIterable, Sendable {
    case badRequest = "bad-request"
    case badQuery = "bad-query"
    case forbidden
    case notFound = "not-found"
    case unknownVNI = "unknown-vni"
    case unknownPeer = "unknown-peer"
    case pathTooSmall = "path-too-small"
    case unknownMAC = "unknown-mac"
    case badEntry = "bad-entry"
    case exists
    case tableFull = "table-full"
    /// What is asked for breaks a rule of the configuration.
    case refused
    /// The system said no.
    case failed
    /// The agent's main thread has something else to do, or other clients do not read their answers.
    case busy
    case tooManyEntries = "too-many-entries"
    case tooManyWaiting = "too-many-waiting"
    case methodNotAllowed = "method-not-allowed"
    case requestTimeout = "request-timeout"
    case requestTooLarge = "request-too-large"
    case headersTooLarge = "headers-too-large"
    case starting
    case `internal`
    case socketPath = "socket-path"
    case socketInUse = "socket-in-use"
    case socketFailed = "socket-failed"
    case noAgent = "no-agent"
    case noPermission = "no-permission"
    case noAnswer = "no-answer"
    case badAnswer = "bad-answer"
  }

  package let code: Code
  /// One sentence without a full stop: where, what is wrong and what would be right. Of `refused` a line for each
  /// problem.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

extension ControlError: CustomStringConvertible {
  package var description: String { message }
}

extension ControlError.Code {
  /// The HTTP status that an answer with this code has (RFC 9110, section 15; 431 is of RFC 6585).
  package var httpStatus: Int {
    switch self {
    case .badRequest, .badQuery: 400
    case .forbidden: 403
    case .notFound, .unknownVNI, .unknownPeer, .unknownMAC: 404
    case .badEntry, .refused: 422
    case .methodNotAllowed: 405
    case .pathTooSmall, .exists, .tableFull, .tooManyEntries: 409
    case .requestTimeout: 408
    case .requestTooLarge: 413
    case .headersTooLarge: 431
    case .starting, .tooManyWaiting, .busy: 503
    case .internal, .failed, .socketPath, .socketInUse, .socketFailed, .noAgent, .noPermission, .noAnswer, .badAnswer:
      500
    }
  }
}
