/// One segment, as `vtep segments -j` lists it.
package struct SegmentReport: Codable, Equatable, Sendable {
  package var vni: UInt32
  /// The TAP device's name.
  package var tap: String
  /// The overlay MTU, in bytes.
  package var mtu: Int
  package var sealed: Bool
  package var fdbEntries: Int
  /// How often an address was somewhere else than before.
  package var fdbMoves: UInt64
  /// How often one moved so often that its entry was frozen.
  package var fdbFlapping: UInt64
  /// Frames from new addresses that were not learned, because a limit was reached.
  package var fdbRefused: UInt64
  /// Addresses that are known to be at stations behind peers.
  package var neighbors: Int
  /// Frames delivered to the TAP.
  package var rxFrames: UInt64
  /// Frames taken from the TAP and sent.
  package var txFrames: UInt64
  /// Bytes of these frames, without encapsulation.
  package var rxBytes: UInt64
  package var txBytes: UInt64

  private enum CodingKeys: String, CodingKey {
    case vni, tap, mtu, sealed, neighbors
    case fdbEntries = "fdb-entries"
    case fdbMoves = "fdb-moves"
    case fdbFlapping = "fdb-flapping"
    case fdbRefused = "fdb-refused"
    case rxFrames = "rx-frames"
    case txFrames = "tx-frames"
    case rxBytes = "rx-bytes"
    case txBytes = "tx-bytes"
  }

  package init(
    vni: UInt32, tap: String, mtu: Int, sealed: Bool, fdbEntries: Int, fdbMoves: UInt64 = 0,
    fdbFlapping: UInt64 = 0, fdbRefused: UInt64 = 0, neighbors: Int = 0, rxFrames: UInt64, txFrames: UInt64,
    rxBytes: UInt64 = 0, txBytes: UInt64 = 0
  ) {
    self.vni = vni
    self.tap = tap
    self.mtu = mtu
    self.sealed = sealed
    self.fdbEntries = fdbEntries
    self.fdbMoves = fdbMoves
    self.fdbFlapping = fdbFlapping
    self.fdbRefused = fdbRefused
    self.neighbors = neighbors
    self.rxFrames = rxFrames
    self.txFrames = txFrames
    self.rxBytes = rxBytes
    self.txBytes = txBytes
  }
}
