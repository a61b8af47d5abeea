import CLinuxIO
import Glibc
import VXLAN

/// A network device as the kernel described it at one moment.
package struct Link: Equatable, Sendable {
  /// The kernel's number of the device, above 0, unique in its namespace while the device lives.
  package let index: Int32
  package let name: String
  /// The largest IP packet in bytes.
  package let linkMTU: Int
  /// Nil for devices without an Ethernet address.
  package let mac: MACAddress?
  /// The administrative state: `IFF_UP`.
  package let isUp: Bool
  /// The bridge or bond that the device is a port of.
  package let masterIndex: Int32?
  /// `veth`, `bridge`, `tun`, `vxlan`; nil for a device of hardware or the loopback.
  package let kind: String?
  /// Descriptors that are attached to a TAP with several queues; nil for every other device.
  package let tapQueueCount: Int?
  /// Frames that the kernel dropped instead of handing them to the device. For a TAP: its queue was full.
  package let transmitDroppedCount: UInt64

  /// Reads an `RTM_NEWLINK` message: `struct ifinfomsg`, 16 bytes, then attributes.
  /// - Throws: `EBADMSG` when something is missing that every kernel sends.
  package init(parsing reply: NetlinkReply) throws(Errno) {
    let attributes = try reply.attributes(after: MemoryLayout<ifinfomsg>.size)
    // struct ifinfomsg: family 1, padding 1, type 2, index 4, flags 4, change 4.
    guard reply.type == RTM_NEWLINK, let index: Int32 = reply.payload.netlinkInteger(at: 4), index > 0,
      let flags: UInt32 = reply.payload.netlinkInteger(at: 8), let name = attributes.text(IFLA_IFNAME),
      let mtu: UInt32 = attributes.integer(IFLA_MTU)
    else { throw Errno(EBADMSG, "RTM_NEWLINK") }
    self.index = index
    self.name = name
    linkMTU = Int(mtu)
    isUp = flags & UInt32(IFF_UP) != 0
    masterIndex = attributes.integer(IFLA_MASTER)
    let information = try attributes.nested(IFLA_LINKINFO)
    kind = information?.text(IFLA_INFO_KIND)
    // linux/if_link.h: IFLA_TUN_NUM_QUEUES = 8.
    let queueCount: UInt32? = kind == "tun" ? try information?.nested(IFLA_INFO_DATA)?.integer(8) : nil
    tapQueueCount = queueCount.map(Int.init)
    let address = attributes.bytes(IFLA_ADDRESS).map(Array.init) ?? []
    mac =
      address.count == MACAddress.byteCount
      ? MACAddress(rawValue: address.reduce(0) { $0 << 8 | UInt64($1) }) : nil
    // struct rtnl_link_stats64: tx_dropped is the eighth counter of 64 bits.
    transmitDroppedCount = attributes.integer(IFLA_STATS64, at: 56) ?? 0
  }
}
