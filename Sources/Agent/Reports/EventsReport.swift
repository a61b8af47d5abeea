/// One event, as `vtep monitor -j` prints it.
package struct EventReport: Codable, Equatable, Sendable {
  /// When it happened: RFC 3339, UTC.
  package var time: String
  /// `learned`, `moved`, `aged`, `flapping` or `loop`.
  package var event: String
  package var mac: String?
  package var vni: UInt32?
  /// The peer's name; nil, and absent in JSON, for what is behind the own TAP.
  package var peer: String?

  package init(time: String, event: String, mac: String? = nil, vni: UInt32? = nil, peer: String? = nil) {
    self.time = time
    self.event = event
    self.mac = mac
    self.vni = vni
    self.peer = peer
  }

  /// One line for people.
  package var text: String {
    let fields = [mac, vni.map { "vni \($0)" }, peer.map { "peer \($0)" }].compactMap { $0 }
    return "\(time)  " + ([event.padded(to: 8)] + fields).joined(separator: "  ")
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
