/// One entry of the forwarding table, as `vtep fdb -j` lists it.
package struct FDBReport: Codable, Equatable, Sendable {
  /// Where an entry comes from.
  package enum State: String, Codable, Sendable, CaseIterable {
    /// Configuration or `fdb add`.
    case `static`
    /// Learned.
    case dynamic
    /// A control plane.
    case control
  }

  /// `02:00:00:00:00:01`.
  package var mac: String
  package var vni: UInt32
  /// The peer's name; nil, and absent in JSON, for a MAC behind the own TAP.
  package var peer: String?
  /// The peer's underlay address; nil, and absent in JSON, for a MAC behind the own TAP.
  package var address: String?
  package var state: State
  /// Seconds since a frame from the MAC was last seen.
  package var ageSeconds: Int

  private enum CodingKeys: String, CodingKey {
    case mac, vni, peer, address, state
    case ageSeconds = "age-seconds"
  }

  package init(mac: String, vni: UInt32, peer: String?, address: String?, state: State, ageSeconds: Int) {
    self.mac = mac
    self.vni = vni
    self.peer = peer
    self.address = address
    self.state = state
    self.ageSeconds = ageSeconds
  }
}
