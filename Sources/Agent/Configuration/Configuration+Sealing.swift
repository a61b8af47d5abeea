import Sealing
import VXLAN

/// What sealed segments ask of the whole: one private key and one cipher; and with whom there are sessions.
extension Configuration {
  /// Whether a segment is sealed, so that nothing may start without keys.
  package var hasSealedSegment: Bool { segments.contains(where: \.sealed) }

  /// The cipher of all sessions: the one that sealed segments name, else what both ends have.
  package var cipherChoice: CipherChoice { sealedSegmentWithCipher?.cipher ?? .automatic }

  /// Where the cipher is named, if it is.
  var cipherLine: SourceLine { sealedSegmentWithCipher?.cipherLine ?? SourceLine() }

  /// Whether the agent has a session with the peer: both have keys. What a sealed segment cannot do without, plain ones
  /// have for the probes that tell what the path takes.
  package func hasSession(_ peer: Peer) -> Bool { local.privateKeyFile != nil && peer.publicKey != nil }

  /// Whether the sealed port is needed: a segment is sealed, or there is somebody to have a session with.
  package var needsSealedPort: Bool { hasSealedSegment || peers.contains(where: hasSession) }

  /// Whether it has a segment in clear.
  func hasPlainSegment(_ peer: Peer) -> Bool {
    segments.contains { !$0.sealed && peer.hasSegment($0.vni) }
  }

  /// What the tunnel adds to a segment's packets.
  package func overhead(of segment: Segment) -> Overhead {
    Overhead(
      family: local.address.family, sealingTag: segment.sealed ? sealingTag : nil,
      passesVLANTag: segment.vlan == .pass)
  }

  private var sealingTag: Overhead.SealingTag {
    cipherChoice == .named(.aegis128l) ? .bytes32 : .bytes16
  }

  /// All that name one name the same.
  private var sealedSegmentWithCipher: Segment? {
    segments.first { $0.sealed && $0.cipher != .automatic }
  }
}
