/// One segment, as `vtep segments -j` lists it.
package struct SegmentReport: Codable, Equatable, Sendable {
  package var vni: UInt32
  /// The TAP device's name.
  package var tap: String
  /// The overlay MTU, in bytes.
  package var mtu: Int
  package var sealed: Bool
  package var fdbEntries: Int
  /// Frames delivered to the TAP.
  package var rxFrames: UInt64
  /// Frames taken from the TAP and sent.
  package var txFrames: UInt64

  private enum CodingKeys: String, CodingKey {
    case vni, tap, mtu, sealed
    case fdbEntries = "fdb-entries"
    case rxFrames = "rx-frames"
    case txFrames = "tx-frames"
  }

  package init(
    vni: UInt32, tap: String, mtu: Int, sealed: Bool, fdbEntries: Int, rxFrames: UInt64, txFrames: UInt64
  ) {
    self.vni = vni
    self.tap = tap
    self.mtu = mtu
    self.sealed = sealed
    self.fdbEntries = fdbEntries
    self.rxFrames = rxFrames
    self.txFrames = txFrames
  }
}
