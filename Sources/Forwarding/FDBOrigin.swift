/// Who said that an address is where an entry says.
package enum FDBOrigin: UInt8, CaseIterable, Sendable {
  /// Frames from the address.
  case learned
  /// The configuration's `fdb:`.
  case configuration
  /// `vtep fdb add` or `replace`.
  case command
  /// A control plane.
  case control

  /// What the origin is worth.
  package var state: FDBState {
    switch self {
    case .learned: .dynamic
    case .control: .control
    case .configuration, .command: .static
    }
  }
}

/// What an entry is worth: a higher state is never replaced by a lower one.
package enum FDBState: UInt8, Comparable, Sendable {
  /// Moves with the frames, and ages.
  case dynamic
  /// Neither moves nor ages; frames from elsewhere are delivered.
  case control
  /// Neither moves nor ages; frames from elsewhere are dropped.
  case `static`

  package static func < (a: FDBState, b: FDBState) -> Bool { a.rawValue < b.rawValue }
}
