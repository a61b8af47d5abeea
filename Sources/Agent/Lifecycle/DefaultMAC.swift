import VXLAN

/// The MAC address of a TAP for which none is configured.
///
/// A keyed hash of the VTEP's address and the VNI with the local bit set: different between hosts and segments, the
/// same after every restart.
package enum DefaultMAC {
  /// Fixed for ever: another key would give every host another address after an update.
  private static let hash = KeyedHash(key0: 0x7674_6570_2d6d_6163, key1: 0x6164_6472_6573_7331)

  package static func address(local: IPAddress, vni: VNI) -> MACAddress {
    var state = KeyedHash.State(hash)
    state.combine(local.high)
    state.combine(local.low)
    state.combine(UInt64(vni.rawValue) << 8 | (local.family == .ipv4 ? 4 : 6))
    let localBit: UInt64 = 0x0200_0000_0000
    let groupBit: UInt64 = 0x0100_0000_0000
    return MACAddress(rawValue: state.finish() & ~groupBit | localBit)
  }
}
