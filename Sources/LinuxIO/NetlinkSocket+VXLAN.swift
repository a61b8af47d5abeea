import CLinuxIO
import Glibc
import VXLAN

/// The kernel's own VXLAN.
extension NetlinkSocket {
  /// Makes a VXLAN device of the kernel, down, that knows one remote, in this socket's network namespace.
  ///
  /// Attributes of linux/if_link.h: IFLA_VXLAN_ID 1, GROUP (the remote) 2, LOCAL 4, PORT 15 in network order,
  /// GROUP6 16, LOCAL6 17.
  /// - Throws: `EOPNOTSUPP` when the kernel has no VXLAN; `EEXIST` when a device has the name.
  package mutating func createVXLAN(
    named name: String, vni: VNI, local: IPAddress, remote: IPAddress, udpPort: UInt16, linkMTU: Int
  ) throws(Errno) {
    let call = "RTM_NEWLINK \(name)"
    try Self.checkLinkName(name, call)
    var message = NetlinkMessage(type: RTM_NEWLINK, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)
    message.append(structure: ifinfomsg())
    message.append(IFLA_IFNAME, text: name)
    message.append(IFLA_MTU, UInt32(clamping: linkMTU))
    let isIPv6 = remote.family == .ipv6
    message.appendNested(IFLA_LINKINFO) { info in
      info.append(IFLA_INFO_KIND, text: "vxlan")
      info.appendNested(IFLA_INFO_DATA) { data in
        data.append(1, vni.rawValue)
        data.append(isIPv6 ? 17 : 4, local.octets)
        data.append(isIPv6 ? 16 : 2, remote.octets)
        data.append(15, [UInt8(udpPort >> 8), UInt8(udpPort & 0xFF)])
      }
    }
    _ = try request(message, call)
  }
}
