/// How many calls the frames took: what superframes and joined datagrams save. Beside the frame counters, as `batches`.
///
/// Segments per send are `datagrams-sent` / `sends`, per receive `datagrams-received` / `receives`, per TAP write
/// `frames-written` / `tap-writes`, per TAP read `frames-read` / `tap-reads`.
package struct BatchReport: Codable, Equatable, Sendable {
  /// Reads of TAPs, and the frames that they gave (a superframe of N segments is N frames).
  package var tapReads: UInt64 = 0
  package var framesRead: UInt64 = 0
  /// Sends to the underlay, and the datagrams that went out by them, copies of flooded frames among them.
  package var sends: UInt64 = 0
  package var datagramsSent: UInt64 = 0
  /// Buffers that the underlay's sockets gave, and the datagrams in them.
  package var receives: UInt64 = 0
  package var datagramsReceived: UInt64 = 0
  /// Writes into TAPs, and the frames that went in by them.
  package var tapWrites: UInt64 = 0
  package var framesWritten: UInt64 = 0

  private enum CodingKeys: String, CodingKey {
    case tapReads = "tap-reads"
    case framesRead = "frames-read"
    case sends
    case datagramsSent = "datagrams-sent"
    case receives
    case datagramsReceived = "datagrams-received"
    case tapWrites = "tap-writes"
    case framesWritten = "frames-written"
  }

  /// All zero.
  package init() {}
}
