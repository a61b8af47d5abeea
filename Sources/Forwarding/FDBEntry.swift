import VXLAN

/// One entry as a person or a program sees it.
package struct FDBEntry: Hashable, Sendable {
  package let mac: MACAddress
  /// Of a frozen entry: whence the last frame came that contradicted the one before.
  package let remote: Remote
  package let origin: FDBOrigin
  /// It moved too often: frames to the address are flooded, frames from it are not learned from.
  package let isFrozen: Bool
  /// `Instant.seconds` of the last frame from the address; of a static or control entry, of when it was set; of a
  /// frozen one, of the last contradiction.
  package let stamp: UInt32

  package init(mac: MACAddress, remote: Remote, origin: FDBOrigin, isFrozen: Bool = false, stamp: UInt32) {
    self.mac = mac
    self.remote = remote
    self.origin = origin
    self.isFrozen = isFrozen
    self.stamp = stamp
  }

  init(_ key: MACKey, _ value: FDBValue) {
    self.init(
      mac: key.mac, remote: value.remote, origin: value.origin, isFrozen: value.isFrozen, stamp: value.stamp)
  }

  package var state: FDBState { origin.state }
}
