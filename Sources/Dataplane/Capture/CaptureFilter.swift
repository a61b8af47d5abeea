/// What one capture is to have of what a worker carries.
package struct CaptureFilter: Equatable, Sendable {
  /// Datagrams as they are on the underlay; else frames as they are in the overlay.
  package var wantsOuter: Bool
  /// Of one segment only.
  package var vni: UInt32?
  /// From or to one peer only, by its slot; one that no peer has: nothing.
  package var peer: Int?
  /// Bytes that are kept of each.
  package var snapByteCount: Int

  package init(wantsOuter: Bool, vni: UInt32? = nil, peer: Int? = nil, snapByteCount: Int = .max) {
    self.wantsOuter = wantsOuter
    self.vni = vni
    self.peer = peer
    self.snapByteCount = snapByteCount
  }

  func wants(vni: UInt32) -> Bool { self.vni == nil || self.vni == vni }
}
