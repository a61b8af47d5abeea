/// What the routing table says of the way to a peer.
struct PeerRoute: Equatable, Sendable {
  /// In bytes of an IP packet.
  let pathMTU: Int
  /// Whether it is another route than at the last reading, and not the first that was read.
  let isOther: Bool
}
