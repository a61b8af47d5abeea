import Sealing
import Testing
import VXLAN

@testable import Agent

/// Two ends with each other as their only peer, and what carries their datagrams, on one clock.
struct KeeperBench {
  let time = KeeperEnd.Time()
  let keys: [PrivateKey]
  let endpoints: [Endpoint]

  init() throws {
    keys = try [SealingSamples.privateKey, SealingSamples.peerPrivateKey].map { try #require(PrivateKey(base64: $0)) }
    endpoints = try ["192.0.2.1", "192.0.2.2"].map { Endpoint(address: try #require(IPAddress($0)), udpPort: 4790) }
  }

  /// - Parameter peerKey: what this end takes for the other's; nil is that.
  func end(
    _ number: Int, presharedKeys: [PresharedKey] = [], keyLife: KeyLife = .standard, peerKey: PublicKey? = nil,
    logsKeys: Bool = false
  ) throws -> KeeperEnd {
    let other = 1 - number
    let peer = SessionPeer(
      slot: 0, name: "p\(other)", publicKey: peerKey ?? keys[other].publicKey, endpoint: endpoints[other])
    return try KeeperEnd(
      keys[number], at: endpoints[number], peers: [peer], presharedKeys: presharedKeys, time: time, keyLife: keyLife,
      logsKeys: logsKeys)
  }

  /// Lets the ends do what there is to do, and carries what they send, for so long in steps of 10 ms.
  func run(_ ends: [KeeperEnd], for duration: Duration, carries: Bool = true, byteCountMax: Int = .max) {
    let last = time.now + duration
    while time.now < last {
      for end in ends { _ = end.keeper.turn() }
      for end in ends {
        for datagram in end.takeOutgoing() where carries && datagram.bytes.count <= byteCountMax {
          ends.first { $0.endpoint == datagram.to }?.receive(datagram.bytes, from: end.endpoint)
        }
      }
      time.now = time.now + .milliseconds(10)
    }
  }

  func cipher(_ end: KeeperEnd) -> Cipher? { end.keeper.statuses()[0]?.cipher }
}
