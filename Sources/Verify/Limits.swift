/// What is remembered of a capture, so that its length costs no memory. All tables full and all findings kept take some
/// 45 MB.
package enum Limits {
  /// Counters of sealed datagrams: 0.8 GB of traffic in full packets.
  package static let nonceCountMax = 1 << 19
  /// For how long the same nonce counts as used again.
  /// - SeeAlso: wire format, handshake: an index is not reused for as long.
  package static let nonceMilliseconds: UInt32 = 360_000
  /// Plain datagrams and handshakes.
  package static let datagramCountMax = 1 << 14
  /// How far apart a datagram and its duplicate are at most. What comes later is more likely sent again than doubled.
  package static let duplicateMilliseconds: UInt32 = 100
  package static let macCountMax = 1 << 16
  package static let flowCountMax = 1 << 16
  /// First fragments whose others are recognised.
  package static let fragmentCountMax = 1 << 10
  /// Segments and VTEPs with counts of their own.
  package static let segmentCountMax = 1 << 14
  package static let peerCountMax = 1 << 14
  /// What an IP header can say. Longer packets are superframes that say 0.
  static let ipByteCountMax = 65_535
  /// The payload of the largest datagram.
  static let payloadByteCountMax = 1 << 16
}
