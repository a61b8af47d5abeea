/// What holds at every step of a world.
package enum Invariant: String, CaseIterable, Sendable {
  /// No frame of a sealed segment is on a wire in clear.
  case clear
  /// Nothing comes out of a TAP that was not sent on its segment.
  case segment
  /// Nothing comes out of a TAP that nobody sent.
  case madeUp = "made-up"
  /// A frame comes out of a TAP once; of a plain segment as often as the wire doubled it.
  case twice
  /// frames-in = frames-out + drops + consumed + waiting, and frames-in is what came.
  case accounting
  /// No entry points to a peer that has left.
  case departed
  /// No entry is older than the ageing time and a scan.
  case stale
  /// No key, lane and counter seal twice.
  case nonce
  /// After the last fault every pair finds together in the stated time.
  case connectivity
  /// When all have, nothing is lost on sound wires.
  case lost
  /// A path that swallows large packets is found in the stated time.
  case path
}

/// What did not hold, and when.
package struct Violation: Error, Equatable, Sendable, CustomStringConvertible {
  package let invariant: Invariant
  package let what: String
  package let step: Int
  /// Since the world began.
  package let time: Duration

  package var description: String {
    "broken: \(invariant.rawValue) at step \(step), \(time.tenths) of the simulated clock: \(what)"
  }
}

extension Duration {
  /// In seconds with a tenth.
  package var tenths: String {
    let tenths = Int(self / .milliseconds(100))
    return "\(tenths / 10).\(tenths % 10) s"
  }
}
