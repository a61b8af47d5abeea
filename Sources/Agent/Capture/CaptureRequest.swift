import Dataplane

/// What somebody wants to capture of a running agent.
package struct CaptureRequest: Codable, Equatable, Sendable {
  /// What both ends must speak.
  static let version = 1

  private(set) var version = Self.version
  /// Datagrams as they are on the underlay; else frames as they are in the overlay.
  package var wantsOuter = false
  /// Of one segment only.
  package var vni: UInt32?
  /// From or to one peer only, by its name or address.
  package var peer: String?
  /// Bytes that are kept of each frame or datagram.
  package var snapByteCount = 262_144

  package init() {}
}

/// What the agent says to who captures, each a message of a `MessageSocket` in JSON.
///
///     client                       agent
///     CaptureRequest       ->
///                          <-      accepted, with two descriptors of a ring for each worker; or refused
///                          <-      peers..., isComplete
///     (reads the rings)    <-      peers...                    when others came or went
///     (end)                ->      gives everything back
///                          <-      ended                       before the agent goes
struct CaptureMessage: Codable, Equatable, Sendable {
  /// What is needed to understand records.
  struct Accepted: Codable, Equatable, Sendable {
    var workerCount: Int
    /// Bytes of records of each ring.
    var ringByteCount: Int
    var address: String
    var plainPort: UInt16
    var sealedPort: UInt16?
    /// That datagrams leave from.
    var sourcePorts: [UInt16]
    var sealedSourcePorts: [UInt16]
    /// Names of drop reasons, by number.
    var reasons = DropReason.allCases.map(\.name)
  }

  /// The name of the peer in a slot; nil: nobody is there any more.
  struct Peer: Codable, Equatable, Sendable {
    var slot: Int
    var name: String?
  }

  /// Of one message, which then is well below the longest.
  static let peerCountMax = 128

  var accepted: Accepted?
  var peers: [Peer]?
  var isComplete: Bool?
  /// Why not: one sentence.
  var refused: String?
  /// Why it is over: one sentence.
  var ended: String?
}
