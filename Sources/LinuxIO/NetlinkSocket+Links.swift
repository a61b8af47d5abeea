import CLinuxIO
import Glibc
import VXLAN

/// Reading, changing, making and deleting network devices.
extension NetlinkSocket {
  /// The longest name of a device in bytes: `IFNAMSIZ` less the zero byte.
  package static let linkNameByteCountMax = 15

  /// The device with this name, nil when there is none.
  package mutating func link(named name: String) throws(Errno) -> Link? {
    guard Self.isLinkName(name) else { return nil }
    return try link(index: 0, name: name, "RTM_GETLINK \(name)")
  }

  /// The device with this number, nil when there is none.
  package mutating func link(index: Int32) throws(Errno) -> Link? {
    guard index > 0 else { return nil }
    return try link(index: index, name: nil, "RTM_GETLINK \(index)")
  }

  /// All devices of the namespace.
  package mutating func links() throws(Errno) -> [Link] {
    var message = NetlinkMessage(type: RTM_GETLINK, flags: NLM_F_DUMP)
    message.append(structure: ifinfomsg())
    var links: [Link] = []
    for reply in try request(message, "RTM_GETLINK") where reply.type == RTM_NEWLINK {
      links.append(try Link(parsing: reply))
    }
    return links
  }

  /// Changes a device by one message. The kernel makes the parts one after the other: after an error those before
  /// it (MAC, MTU, bridge, state, queue, superframe, in this order) are made.
  /// - Throws: `ENODEV` without such a device.
  package mutating func setLink(index: Int32, _ change: LinkChange) throws(Errno) {
    _ = try request(try change.message(forLink: index), "RTM_SETLINK \(index)")
  }

  /// Deletes a device.
  /// - Throws: `ENODEV` without such a device.
  package mutating func deleteLink(index: Int32) throws(Errno) {
    // The kernel takes number 0 for "some other attribute names it"; it must not delete something else.
    guard index > 0 else { throw Errno(ENODEV, "RTM_DELLINK \(index)") }
    var header = ifinfomsg()
    header.ifi_index = index
    var message = NetlinkMessage(type: RTM_DELLINK, flags: NLM_F_ACK)
    message.append(structure: header)
    _ = try request(message, "RTM_DELLINK \(index)")
  }

  /// Makes a bridge, down, and returns its number.
  ///
  /// With a MAC given the bridge keeps it; without one it takes the lowest of its ports. The kernel lowers the MTU
  /// to the smallest of the ports' when one is attached.
  /// - Throws: `EEXIST` when a device has the name; `EINVAL` for what is no name (1...15 bytes).
  package mutating func createBridge(
    named name: String, mac: MACAddress? = nil, linkMTU: Int? = nil
  ) throws(Errno) -> Int32 {
    let call = "RTM_NEWLINK \(name)"
    try Self.checkLinkName(name, call)
    var message = NetlinkMessage(type: RTM_NEWLINK, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)
    message.append(structure: ifinfomsg())
    message.append(IFLA_IFNAME, text: name)
    if let mac { message.append(IFLA_ADDRESS, mac.octets) }
    if let linkMTU { message.append(IFLA_MTU, UInt32(clamping: linkMTU)) }
    message.appendNested(IFLA_LINKINFO) { $0.append(IFLA_INFO_KIND, text: "bridge") }
    _ = try request(message, call)
    guard let bridge = try link(named: name) else { throw Errno(ENODEV, call) }
    return bridge.index
  }

  /// Makes a pair of connected Ethernet devices, both down, each in the network namespace of a descriptor (nil: that
  /// of this socket).
  /// - Throws: `EEXIST` when a device has the name; `EINVAL` for what is no name (1...15 bytes).
  package mutating func createVeth(
    named name: String, inNamespace namespace: Int32?, peerNamed peerName: String, peerNamespace: Int32?,
    linkMTU: Int
  ) throws(Errno) {
    let call = "RTM_NEWLINK \(name), \(peerName)"
    try Self.checkLinkName(name, call)
    try Self.checkLinkName(peerName, call)
    var message = NetlinkMessage(type: RTM_NEWLINK, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)
    Self.appendEnd(to: &message, name, namespace, linkMTU)
    message.appendNested(IFLA_LINKINFO) { info in
      info.append(IFLA_INFO_KIND, text: "veth")
      info.appendNested(IFLA_INFO_DATA) { data in
        // linux/veth.h: VETH_INFO_PEER = 1, a whole link message without the netlink header.
        data.appendNested(1) { Self.appendEnd(to: &$0, peerName, peerNamespace, linkMTU) }
      }
    }
    _ = try request(message, call)
  }

  private static func appendEnd(
    to message: inout NetlinkMessage, _ name: String, _ namespace: Int32?, _ linkMTU: Int
  ) {
    message.append(structure: ifinfomsg())
    message.append(IFLA_IFNAME, text: name)
    message.append(IFLA_MTU, UInt32(clamping: linkMTU))
    if let namespace { message.append(IFLA_NET_NS_FD, UInt32(bitPattern: namespace)) }
  }

  private mutating func link(index: Int32, name: String?, _ call: String) throws(Errno) -> Link? {
    var header = ifinfomsg()
    header.ifi_index = index
    var message = NetlinkMessage(type: RTM_GETLINK, flags: NLM_F_ACK)
    message.append(structure: header)
    if let name { message.append(IFLA_IFNAME, text: name) }
    let replies: [NetlinkReply]
    do throws(Errno) {
      replies = try request(message, call)
    } catch {
      if error.number == ENODEV { return nil }
      throw error
    }
    guard let reply = replies.first else { throw Errno(EBADMSG, call) }
    return try Link(parsing: reply)
  }

  private static func isLinkName(_ name: String) -> Bool {
    (1...linkNameByteCountMax).contains(name.utf8.count) && !name.utf8.contains(0)
  }

  static func checkLinkName(_ name: String, _ call: String) throws(Errno) {
    guard isLinkName(name) else { throw Errno(EINVAL, "\(call) (a name has 1 to 15 bytes)") }
  }
}
