/// Decides which lines are written: at most 10 a second in a class, and one in 10 s for a peer in a class.
///
/// Pure: the time is an argument and must not go back. Memory is bounded by `classCountMax` and `peerCountMax`; what
/// is beyond them shares one place.
package struct LogThrottle: Sendable {
  /// Lines of one class within any `classTime`.
  package static let classLineCountMax = 10
  package static let classTime: Duration = .seconds(1)
  /// Between two lines of one peer and class.
  package static let peerTime: Duration = .seconds(10)
  /// Classes are named in our code; far fewer than this.
  package static let classCountMax = 64
  /// Pairs of a peer and a class, several for each peer that a configuration may sensibly have.
  package static let peerCountMax = 4_096

  /// What is to happen to a line.
  package enum Verdict: Equatable, Sendable {
    /// Write it, and tell that so many lines like it were not written before.
    case write(suppressed: UInt64)
    case suppress
  }

  private struct ClassState {
    /// When the last lines were written, oldest first, at most `classLineCountMax`.
    var written: [ContinuousClock.Instant] = []
    /// Lines without a peer, and those of peers whose place was given away.
    var suppressed: UInt64 = 0
  }

  private struct PeerKey: Hashable {
    let lineClass: String
    /// Nil is the place that peers beyond `peerCountMax` share.
    let peer: String?
  }

  private struct PeerState {
    var written: ContinuousClock.Instant?
    var suppressed: UInt64 = 0
  }

  private static let otherClass = "other"
  private var classes: [String: ClassState] = [:]
  private var peers: [PeerKey: PeerState] = [:]
  private var lastSweep: ContinuousClock.Instant?

  package init() {}

  /// Peers' places in use, the shared ones included.
  package var peerCount: Int { peers.count }

  /// Lines that were suppressed and that no written line has told yet.
  package var untoldCount: UInt64 {
    classes.values.reduce(0) { $0 + $1.suppressed } + peers.values.reduce(0) { $0 + $1.suppressed }
  }

  /// Judges one line of `lineClass`, about `peer` if it is about one.
  package mutating func judge(_ lineClass: String, peer: String? = nil, now: ContinuousClock.Instant) -> Verdict {
    let name = classes[lineClass] != nil || classes.count < Self.classCountMax ? lineClass : Self.otherClass
    var state = classes[name] ?? ClassState()
    defer { classes[name] = state }
    let mayWriteClass = Self.mayWrite(&state, now: now)
    guard let peer else {
      guard mayWriteClass else {
        state.suppressed += 1
        return .suppress
      }
      return Self.write(&state, own: 0, now: now)
    }
    let key = place(for: peer, in: name, now: now, orphans: &state.suppressed)
    var peerState = peers[key] ?? PeerState()
    defer { peers[key] = peerState }
    let mayWritePeer = peerState.written.map { now - $0 >= Self.peerTime } ?? true
    guard mayWriteClass, mayWritePeer else {
      peerState.suppressed += 1
      return .suppress
    }
    let own = peerState.suppressed
    peerState = PeerState(written: now)
    return Self.write(&state, own: own, now: now)
  }

  private static func mayWrite(_ state: inout ClassState, now: ContinuousClock.Instant) -> Bool {
    state.written.removeAll { now - $0 >= classTime }
    return state.written.count < classLineCountMax
  }

  private static func write(_ state: inout ClassState, own: UInt64, now: ContinuousClock.Instant) -> Verdict {
    defer { state.suppressed = 0 }
    state.written.append(now)
    return .write(suppressed: state.suppressed + own)
  }

  private mutating func place(
    for peer: String, in name: String, now: ContinuousClock.Instant, orphans: inout UInt64
  ) -> PeerKey {
    let key = PeerKey(lineClass: name, peer: peer)
    let shared = PeerKey(lineClass: name, peer: nil)
    if peers[key] != nil { return key }
    // One place for each class stays free for its shared one.
    let bound = Self.peerCountMax - Self.classCountMax - 1
    if peers.count >= bound { sweep(now: now, name: name, orphans: &orphans) }
    return peers.count < bound ? key : shared
  }

  /// Gives away the places whose time is over, at most once a second, and keeps their counts with their class.
  private mutating func sweep(now: ContinuousClock.Instant, name: String, orphans: inout UInt64) {
    if let lastSweep, now - lastSweep < Self.classTime { return }
    lastSweep = now
    for (key, state) in peers where state.written.map({ now - $0 >= Self.peerTime }) ?? true {
      peers[key] = nil
      if key.lineClass == name {
        orphans += state.suppressed
      } else {
        classes[key.lineClass]?.suppressed += state.suppressed
      }
    }
  }
}
