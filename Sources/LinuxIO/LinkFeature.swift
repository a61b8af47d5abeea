import CLinuxIO
import Glibc

/// A feature of network devices that can be switched, as `ethtool -K` does.
/// - SeeAlso: ethtool(8); the names are the kernel's (net/ethtool/common.c).
package enum LinkFeature: String, CaseIterable, Sendable {
  /// The device cuts TCP superframes.
  case tcpSegmentation = "tx-tcp-segmentation"
  case tcpIPv6Segmentation = "tx-tcp6-segmentation"
  case tcpECNSegmentation = "tx-tcp-ecn-segmentation"
  case tcpMangledIdentificationSegmentation = "tx-tcp-mangleid-segmentation"
  /// The kernel makes superframes and cuts them itself, as late as it can.
  case genericSegmentation = "tx-generic-segmentation"
  /// The device cuts UDP superframes.
  case udpSegmentation = "tx-udp-segmentation"
  /// The device cuts superframes inside UDP tunnels.
  case tunnelSegmentation = "tx-udp_tnl-segmentation"
  case tunnelChecksumSegmentation = "tx-udp_tnl-csum-segmentation"
  /// The kernel joins what comes (GRO).
  case receiveOffload = "rx-gro"

  /// Switches it at a device of the calling thread's network namespace.
  /// - Returns: false when the device does not have it or cannot change it.
  package func set(_ isOn: Bool, ofLink name: String) throws(Errno) -> Bool {
    let result = clinuxio_link_set_feature(name, rawValue, isOn ? 1 : 0)
    guard result >= 0 else { throw Errno(-result, "SIOCETHTOOL \(name) \(rawValue)") }
    return result == 1
  }
}
