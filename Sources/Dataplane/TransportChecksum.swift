import CVXLAN
import VXLAN

/// Checksums of TCP and UDP over packets in memory. Sums are kept in the machine's byte order, as RFC 1071, section 2
/// (B) allows: the result is stored as it is.
enum TransportChecksum {
  /// Of the checksum field in the TCP and the UDP header.
  static let offsetInTCP = 16
  static let offsetInUDP = 6

  /// Folds a sum to 16 bits.
  @inline(__always)
  static func fold(_ sum: UInt64) -> UInt16 {
    var sum = (sum & 0xFFFF_FFFF) &+ (sum &>> 32)
    sum = (sum & 0xFFFF) &+ (sum &>> 16)
    sum = (sum & 0xFFFF) &+ (sum &>> 16)
    return UInt16(truncatingIfNeeded: (sum & 0xFFFF) &+ (sum &>> 16))
  }

  /// The sum of the pseudo-header: addresses at their places in the IP header at `network`, protocol and length of the
  /// transport header and payload. RFC 9293, section 3.1; RFC 8200, section 8.1.
  // SAFETY: callers have found a whole IP header at `network`.
  @inline(__always)
  static func pseudoHeader(
    network: UnsafeMutablePointer<UInt8>, isIPv6: Bool, ipProtocol: UInt8, byteCount: Int
  ) -> UInt64 {
    let addresses =
      isIPv6 ? cvxlan_sum(network + 8, 32) : UInt64(network.native32(at: 12)) &+ UInt64(network.native32(at: 16))
    return addresses &+ UInt64(UInt16(ipProtocol).bigEndian)
      &+ UInt64(UInt16(truncatingIfNeeded: byteCount).bigEndian)
  }

  /// Computes the checksum of an IPv4 header of `byteCount` bytes anew.
  @inline(__always)
  static func finishIPv4(_ network: UnsafeMutablePointer<UInt8>, byteCount: Int) {
    network.setNative16(0, at: 10)
    network.setNative16(~fold(cvxlan_sum(network, byteCount)), at: 10)
  }

  /// What belongs into the field for a finished `sum`; UDP sends all ones for zero (RFC 768).
  @inline(__always)
  static func field(_ sum: UInt64, isUDP: Bool) -> UInt16 {
    let checksum = ~fold(sum)
    return isUDP && checksum == 0 ? 0xFFFF : checksum
  }
}
