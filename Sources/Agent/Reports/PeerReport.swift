/// One peer, as `vtep peers -j` lists it.
package struct PeerReport: Codable, Equatable, Sendable {
  /// How far the peer's sealed session is.
  package enum Session: String, Codable, Sendable, CaseIterable {
    case up, handshake, none
  }

  package var name: String
  /// The underlay address, without a port.
  package var address: String
  package var session: Session
  /// The IP MTU of the underlay's path, in bytes.
  package var pathMTU: Int
  /// Seconds since the last datagram from the peer; nil, `null` in JSON, when there was none.
  package var lastReceiveSeconds: Int?
  package var rxBytes: UInt64
  package var txBytes: UInt64

  private enum CodingKeys: String, CodingKey {
    case name, address, session
    case pathMTU = "path-mtu"
    case lastReceiveSeconds = "last-receive-seconds"
    case rxBytes = "rx-bytes"
    case txBytes = "tx-bytes"
  }

  package init(
    name: String, address: String, session: Session, pathMTU: Int, lastReceiveSeconds: Int?, rxBytes: UInt64,
    txBytes: UInt64
  ) {
    self.name = name
    self.address = address
    self.session = session
    self.pathMTU = pathMTU
    self.lastReceiveSeconds = lastReceiveSeconds
    self.rxBytes = rxBytes
    self.txBytes = txBytes
  }

  /// Written by hand because "never" is `null`, which a synthesized encoder would leave out.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(address, forKey: .address)
    try container.encode(session, forKey: .session)
    try container.encode(pathMTU, forKey: .pathMTU)
    try container.encode(lastReceiveSeconds, forKey: .lastReceiveSeconds)
    try container.encode(rxBytes, forKey: .rxBytes)
    try container.encode(txBytes, forKey: .txBytes)
  }
}
