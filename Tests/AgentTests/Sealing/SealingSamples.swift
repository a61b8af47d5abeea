import Agent

/// Keys of RFC 7748, section 6.1, and configurations with sealed segments.
enum SealingSamples {
  static let privateKey = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
  static let publicKey = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
  static let peerPrivateKey = "XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os="
  static let peerPublicKey = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="
  /// The three points of the smallest orders that have a short text.
  static let lowOrderKeys = [
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "7P///////////////////////////////////////38=",
  ]

  /// Line 1 is `local` with `keys` added, line 2 a sealed segment, line 3 a peer with a key.
  static func local(_ keys: String) -> String {
    """
    local: {address: 192.0.2.1, \(keys)}
    segments: [{vni: 42, tap: vx42, sealed: true}]
    peers: [{name: b, address: 192.0.2.2, public-key: \(peerPublicKey)}]

    """
  }

  /// Line 1 is `local` with a key, line 2 a sealed segment with `keys` added, line 3 another, line 4 a peer with a key.
  static func segments(_ first: String, _ second: String) -> String {
    """
    local: {address: 192.0.2.1, private-key-file: /k}
    segments: [{vni: 42, tap: vx42, sealed: true, \(first)},
      {vni: 43, tap: vx43, \(second)}]
    peers: [{name: b, address: 192.0.2.2, public-key: \(peerPublicKey)}]

    """
  }

  /// Line 1 is `local` with a key, line 2 a sealed segment and a plain one, from line 4 `peers`.
  static func peers(_ peers: String) -> String {
    """
    local: {address: 192.0.2.1, private-key-file: /k}
    segments: [{vni: 42, tap: vx42, sealed: true}, {vni: 43, tap: vx43}]
    peers:
    \(peers)

    """
  }

  /// Each peer in the slot of its position.
  static func slots(_ configuration: Configuration) -> [String: Int] {
    Dictionary(uniqueKeysWithValues: configuration.peers.enumerated().map { ($1.name, $0) })
  }
}
