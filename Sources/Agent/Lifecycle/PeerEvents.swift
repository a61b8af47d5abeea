import Sealing

/// Tells those who listen what happens to peers: sessions that come and go, paths that take another size. All of it is
/// rare, so it is kept whether anybody listens or not.
///
/// *Threads.* Any.
struct PeerEvents: Sendable {
  let history: EventHistory
  /// By peer slot.
  let names: [String]

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
    report.peer = names[slot]
    history.append([report], lostCount: 0)
  }
}
