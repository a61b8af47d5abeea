import CLinuxIO
import Glibc
import VXLAN

/// What is to be changed at a network device; what is nil stays.
package struct LinkChange: Equatable, Sendable {
  /// The largest IP packet in bytes.
  package var linkMTU: Int?
  package var mac: MACAddress?
  package var isUp: Bool?
  /// The bridge that the device becomes a port of; 0 takes it out.
  package var masterIndex: Int32?
  /// The device's queue, in frames.
  package var transmitQueueLength: Int?
  /// The largest superframe that the kernel hands to the device, in bytes; at most 65,536 it holds for IPv4 as well.
  package var gsoByteCountMax: Int?

  package init(
    linkMTU: Int? = nil, mac: MACAddress? = nil, isUp: Bool? = nil, masterIndex: Int32? = nil,
    transmitQueueLength: Int? = nil, gsoByteCountMax: Int? = nil
  ) {
    self.linkMTU = linkMTU
    self.mac = mac
    self.isUp = isUp
    self.masterIndex = masterIndex
    self.transmitQueueLength = transmitQueueLength
    self.gsoByteCountMax = gsoByteCountMax
  }

  /// The one message that makes the change at the device with the number `index`.
  /// - Throws: `EINVAL` for a number below 0 or above what the kernel's `int` holds.
  func message(forLink index: Int32) throws(Errno) -> NetlinkMessage {
    for number in [linkMTU, transmitQueueLength, gsoByteCountMax].compactMap({ $0 }) {
      guard Int32(exactly: number) ?? -1 >= 0 else { throw Errno(EINVAL, "RTM_SETLINK \(index) (\(number))") }
    }
    var header = ifinfomsg()
    header.ifi_index = index
    if let isUp {
      header.ifi_change = UInt32(IFF_UP)
      header.ifi_flags = isUp ? UInt32(IFF_UP) : 0
    }
    var message = NetlinkMessage(type: RTM_SETLINK, flags: NLM_F_ACK)
    message.append(structure: header)
    if let mac { message.append(IFLA_ADDRESS, mac.octets) }
    if let linkMTU { message.append(IFLA_MTU, UInt32(clamping: linkMTU)) }
    if let masterIndex { message.append(IFLA_MASTER, UInt32(bitPattern: masterIndex)) }
    if let transmitQueueLength { message.append(IFLA_TXQLEN, UInt32(clamping: transmitQueueLength)) }
    if let gsoByteCountMax { message.append(IFLA_GSO_MAX_SIZE, UInt32(clamping: gsoByteCountMax)) }
    return message
  }
}
