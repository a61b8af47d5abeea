/// One event, as `vtep monitor -j` prints it. What does not apply is absent in JSON.
package struct EventReport: Codable, Equatable, Sendable {
  /// What `event` is of a frame that ended.
  package static let drop = "drop"
  /// What `event` may be.
  package static let names = ["learned", "moved", "aged", drop, "session", "path-mtu", "flapping", "loop"]

  /// When it happened: RFC 3339, UTC.
  package var time: String
  /// `learned`, `moved`, `aged`, `flapping` or `loop`, of an address; `session` or `path-mtu`, of a peer; `drop`, of a
  /// frame that ended.
  package var event: String
  package var mac: String?
  package var vni: UInt32?
  /// The peer's name; nil for what is behind the own TAP.
  package var peer: String?
  /// Of `session`: how far the session is now.
  package var session: PeerReport.Session?
  /// Of `path-mtu`: the IP MTU of the path from now on, in bytes.
  package var pathMTU: Int?
  /// Of `drop`: under which name it is counted.
  package var reason: String?
  /// Of `drop`: where the frame came from, `overlay` or `underlay`.
  package var direction: String?

  private enum CodingKeys: String, CodingKey {
    case time, event, mac, vni, peer, session, reason, direction
    case pathMTU = "path-mtu"
  }

  package init(
    time: String, event: String, mac: String? = nil, vni: UInt32? = nil, peer: String? = nil,
    session: PeerReport.Session? = nil, pathMTU: Int? = nil
  ) {
    self.time = time
    self.event = event
    self.mac = mac
    self.vni = vni
    self.peer = peer
    self.session = session
    self.pathMTU = pathMTU
  }

  /// One line for people.
  package var text: String {
    let fields = [
      mac, vni.map { "vni \($0)" }, peer.map { "peer \($0)" }, session.map(\.rawValue), pathMTU.map { "\($0) bytes" },
      reason, direction.map { "from the \($0)" },
    ]
    return "\(time)  " + ([event.padded(to: 8)] + fields.compactMap { $0 }).joined(separator: "  ")
  }
}

/// What `GET /v1/events` answers.
package struct EventsReport: Codable, Equatable, Sendable {
  /// Oldest first.
  package var events: [EventReport]
  /// The number of the event that comes after these.
  package var next: UInt64
  /// Events before these that are not kept any more, or never found a place.
  package var lost: UInt64
  /// Frames that ended so far while somebody listened to them, and that are no event: only some are. Absent in JSON
  /// where they were not asked for.
  package var untoldDrops: UInt64?

  private enum CodingKeys: String, CodingKey {
    case events, next, lost
    case untoldDrops = "untold-drops"
  }

  package init(events: [EventReport], next: UInt64, lost: UInt64) {
    self.events = events
    self.next = next
    self.lost = lost
  }
}

extension String {
  fileprivate func padded(to count: Int) -> String {
    self + String(repeating: " ", count: max(0, count - self.count))
  }
}
