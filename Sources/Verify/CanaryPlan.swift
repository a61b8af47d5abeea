import Capture
import LinuxIO
import VXLAN

/// What the leak test plants, and where it looks.
package struct CanaryPlan: Sendable {
  package var vni: VNI
  /// As the agent says it.
  package var isSealed: Bool
  /// The segment's TAP, or the bridge that it is a port of.
  package var device: String
  /// The segment's MTU in bytes.
  package var mtu: Int
  /// Where everything that passes is searched.
  package var underlay: String
  package var ports: OverlayPorts
  /// This host's address on the underlay: what has another outer source came from elsewhere.
  package var underlayAddress: IPAddress
  /// Overlay addresses of other hosts, which send back what they are asked.
  package var targets: [IPAddress]
  /// Of each size and target, and of each size as a broadcast.
  package var repetitions = 3

  package init(
    vni: VNI, isSealed: Bool, device: String, mtu: Int, underlay: String, underlayAddress: IPAddress,
    ports: OverlayPorts, targets: [IPAddress]
  ) {
    (self.vni, self.isSealed, self.device, self.mtu) = (vni, isSealed, device, mtu)
    (self.underlay, self.underlayAddress, self.ports, self.targets) = (underlay, underlayAddress, ports, targets)
  }

  /// Bytes of payload: a marker alone, some sizes, and what fills the MTU.
  var payloadByteCounts: [Int] {
    let most = mtu - EchoSocket.headerByteCount
    return [CanaryMarkers.byteCount, 64, 256, 512, 1024, most].filter { $0 <= most }
  }
}
