import Sealing

/// One peer, as `vtep peers -j` lists it.
package struct PeerReport: Codable, Equatable, Sendable {
  /// How far the session with the peer is; `none` also for a peer without keys.
  package enum Session: String, Codable, Sendable, CaseIterable {
    case up, handshake, none

    init(_ state: SessionStatus.State) {
      switch state {
      case .up: self = .up
      case .handshake: self = .handshake
      case .none: self = .none
      }
    }
  }

  package var name: String
  /// The underlay address, without a port.
  package var address: String
  package var session: Session
  /// Of the session; nil, `null` in JSON, while there is none.
  package var cipher: String?
  /// Of the key that seals; nil, `null` in JSON, while there is none.
  package var keyAgeSeconds: Int?
  /// Where sealed datagrams to the peer go, with the port; nil, `null` in JSON, for a peer without keys.
  package var endpoint: String?
  /// The IP MTU of the underlay's path, in bytes.
  package var pathMTU: Int
  package var pathMTUSource: PathSource
  /// Seconds since the last datagram from the peer; nil, `null` in JSON, when there was none.
  package var lastReceiveSeconds: Int?
  package var rxBytes: UInt64
  package var txBytes: UInt64

  private enum CodingKeys: String, CodingKey {
    case name, address, session, cipher, endpoint
    case keyAgeSeconds = "key-age-seconds"
    case pathMTU = "path-mtu"
    case pathMTUSource = "path-mtu-source"
    case lastReceiveSeconds = "last-receive-seconds"
    case rxBytes = "rx-bytes"
    case txBytes = "tx-bytes"
  }

  package init(
    name: String, address: String, session: Session, cipher: String? = nil, keyAgeSeconds: Int? = nil,
    endpoint: String? = nil, pathMTU: Int, pathMTUSource: PathSource = .route, lastReceiveSeconds: Int?,
    rxBytes: UInt64, txBytes: UInt64
  ) {
    self.name = name
    self.address = address
    self.session = session
    self.cipher = cipher
    self.keyAgeSeconds = keyAgeSeconds
    self.endpoint = endpoint
    self.pathMTU = pathMTU
    self.pathMTUSource = pathMTUSource
    self.lastReceiveSeconds = lastReceiveSeconds
    self.rxBytes = rxBytes
    self.txBytes = txBytes
  }

  /// Written by hand because "never" and "none" are `null`, which a synthesized encoder would leave out.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(address, forKey: .address)
    try container.encode(session, forKey: .session)
    try container.encode(cipher, forKey: .cipher)
    try container.encode(keyAgeSeconds, forKey: .keyAgeSeconds)
    try container.encode(endpoint, forKey: .endpoint)
    try container.encode(pathMTU, forKey: .pathMTU)
    try container.encode(pathMTUSource, forKey: .pathMTUSource)
    try container.encode(lastReceiveSeconds, forKey: .lastReceiveSeconds)
    try container.encode(rxBytes, forKey: .rxBytes)
    try container.encode(txBytes, forKey: .txBytes)
  }
}
