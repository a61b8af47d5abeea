import Sealing
import Synchronization

/// Tells those who listen what happens to peers: sessions that come and go, paths that take another size. All of it is
/// rare, so it is kept whether anybody listens or not.
///
/// *Threads.* Any.
struct PeerEvents: Sendable {
  let history: EventHistory
  let names: PeerNames

  /// - Parameter names: by peer slot.
  init(history: EventHistory, names: [String]) {
    self.history = history
    self.names = PeerNames(names)
  }

  /// The session with the peer came into use, or is lost: what it is now.
  func session(_ state: SessionStatus.State, ofPeer slot: Int) {
    note(EventReport(time: LogTime.now(), event: "session", session: .init(state)), slot)
  }

  /// IP packets of so many bytes, and no larger ones, reach the peer from now on.
  func pathMTU(_ byteCount: Int, ofPeer slot: Int) {
    note(EventReport(time: LogTime.now(), event: "path-mtu", pathMTU: byteCount), slot)
  }

  private func note(_ report: EventReport, _ slot: Int) {
    var report = report
    report.peer = names.name(ofPeer: slot)
    history.append([report], lostCount: 0)
  }
}

/// What peers are called. Any thread.
final class PeerNames: Sendable {
  private let names: Mutex<[Int: String]>

  /// - Parameter names: by peer slot.
  init(_ names: [String]) {
    self.names = Mutex(Dictionary(uniqueKeysWithValues: names.enumerated().map { ($0, $1) }))
  }

  /// Nil: nobody is in the slot.
  func name(ofPeer slot: Int) -> String? { names.withLock { $0[slot] } }

  func set(_ name: String?, ofPeer slot: Int) { names.withLock { $0[slot] = name } }
}
