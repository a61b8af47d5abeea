/// What a report says of a capture as a whole.
package struct JudgeCounts: Equatable, Sendable {
  package var packetCount = 0
  /// Captured bytes of all packets.
  package var byteCount = 0
  /// To a VXLAN port, first fragments among them. A run counts once.
  package var datagramCount = 0
  /// Anything else.
  package var foreignCount = 0
  /// Runs of datagrams in one packet, judged by datagram.
  package var runCount = 0
  /// Without the checksum that the card was to add.
  package var offloadedCount = 0
  /// Not judged to the end, since the capture kept only the beginning.
  package var cutCount = 0
  /// Inner superframes, whose size on the wire nobody knows.
  package var superframeCount = 0
  /// Opened with a key.
  package var openedCount = 0
  /// Keys were given, but none of this index.
  package var keylessCount = 0

  package init() {}
}
