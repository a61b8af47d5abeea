import LinuxIO

/// Why what runs in the lab ended early.
package enum LabFailure: Error, Equatable, Sendable {
  /// Something that it needs is missing; the sentence says what and what would help.
  case unavailable(String)
  /// A step did not do what it shows.
  case step(String)
  /// A signal asked for the end.
  case interrupted(signal: Int32)

  /// What the process says with its exit status: 1, or 128 and the signal as shells do.
  package var exitStatus: Int32 {
    switch self {
    case .unavailable, .step: 1
    case .interrupted(let signal): 128 + signal
    }
  }

  /// Runs `body` and puts `what` in front of a system call's error.
  package static func step<Value: ~Copyable>(
    _ what: String, _ body: () throws(Errno) -> Value
  ) throws(LabFailure) -> Value {
    do throws(Errno) {
      return try body()
    } catch {
      throw .step("\(what): \(error)")
    }
  }
}
