import VXLAN

/// Frames of IGMP and MLD for tests, built apart from the code that they test, as listeners and routers send them.
package enum GroupFrames {
  /// IGMP from `source` to `destination`, its checksum put in.
  package static func igmp(
    _ message: [UInt8], from source: IPAddress = IPAddress(ipv4: 0x0A2A_0002), to destination: IPAddress,
    mac: MACAddress = .station(2)
  ) -> [UInt8] {
    var message = message
    setChecksum(&message, initial: 0)
    return Frames.ethernet(
      to: destination.multicastMAC, from: mac, etherType: 0x0800,
      payload: Frames.ipv4(from: source, to: destination, ipProtocol: 2, payload: message))
  }

  /// MLD, with hop limit 1 and router alert unless it is said otherwise.
  package static func mld(
    _ message: [UInt8], from source: IPAddress = IPAddress(ipv6High: 0xFE80 << 48, low: 2), to destination: IPAddress,
    mac: MACAddress = .station(2), hopLimit: UInt8 = 1, options: [UInt8] = [5, 2, 0, 0, 1, 0]
  ) -> [UInt8] {
    var message = message
    let pseudo =
      source.octets + destination.octets + [0, 0, UInt8(message.count >> 8), UInt8(message.count & 255), 0, 58]
    setChecksum(&message, initial: Checksum.sum(pseudo.span))
    let between: [UInt8] = [58, UInt8((options.count + 2) / 8 - 1)] + options
    var packet = Frames.ipv6(from: source, to: destination, nextHeader: 0, payload: between + message)
    packet[7] = hopLimit
    return Frames.ethernet(to: destination.multicastMAC, from: mac, etherType: 0x86DD, payload: packet)
  }

  /// A report of the newer version of the group's family: records as type and number of sources.
  package static func report(
    _ records: [(type: UInt8, group: IPAddress, sourceCount: Int)], mac: MACAddress = .station(2)
  ) -> [UInt8] {
    let isIPv4 = records.first?.group.family != .ipv6
    var message: [UInt8] = [isIPv4 ? 0x22 : 143, 0, 0, 0, 0, 0, UInt8(records.count >> 8), UInt8(records.count & 255)]
    for record in records {
      message += [record.type, 0, 0, UInt8(record.sourceCount)] + record.group.octets
      message += [UInt8](repeating: 0x0A, count: record.sourceCount * record.group.octets.count)
    }
    return isIPv4
      ? igmp(message, to: IPAddress(ipv4: 0xE000_0016), mac: mac)
      : mld(message, to: IPAddress(ipv6High: 0xFF02 << 48, low: 0x16), mac: mac)
  }

  /// A listener joins, in the newer version: it changes to "exclude nothing".
  package static func join(_ group: IPAddress, mac: MACAddress = .station(2)) -> [UInt8] {
    report([(4, group, 0)], mac: mac)
  }

  /// A listener leaves: it changes to "include nothing".
  package static func leave(_ group: IPAddress, mac: MACAddress = .station(2)) -> [UInt8] {
    report([(3, group, 0)], mac: mac)
  }

  /// A report of the older version: IGMPv2 or MLDv1.
  package static func oldReport(_ group: IPAddress, mac: MACAddress = .station(2)) -> [UInt8] {
    group.family == .ipv4
      ? igmp([0x16, 0, 0, 0] + group.octets, to: group, mac: mac)
      : mld([131, 0, 0, 0, 0, 0, 0, 0] + group.octets, to: group, mac: mac)
  }

  /// A general query of a router.
  package static func query(_ family: AddressFamily, mac: MACAddress = .station(3)) -> [UInt8] {
    family == .ipv4
      ? igmp([0x11, 100, 0, 0, 0, 0, 0, 0], to: IPAddress(ipv4: 0xE000_0001), mac: mac)
      : mld(
        [130, 0, 0, 0, 0x27, 0x10, 0, 0] + [UInt8](repeating: 0, count: 16),
        to: IPAddress(ipv6High: 0xFF02 << 48, low: 1), mac: mac)
  }

  /// The hello of a PIM router, with one option.
  package static func hello(_ family: AddressFamily, mac: MACAddress = .station(3)) -> [UInt8] {
    var message: [UInt8] = [0x20, 0, 0, 0, 0, 1, 0, 2, 0, 0x69]
    guard family == .ipv6 else {
      let destination = IPAddress(ipv4: 0xE000_000D)
      setChecksum(&message, initial: 0)
      let packet = Frames.ipv4(
        from: IPAddress(ipv4: 0x0A2A_0003), to: destination, ipProtocol: 103, payload: message)
      return Frames.ethernet(to: destination.multicastMAC, from: mac, etherType: 0x0800, payload: packet)
    }
    let (source, destination) = (IPAddress(ipv6High: 0xFE80 << 48, low: 3), IPAddress(ipv6High: 0xFF02 << 48, low: 13))
    let pseudo = source.octets + destination.octets + [0, UInt8(message.count), 0, 103]
    setChecksum(&message, initial: Checksum.sum(pseudo.span))
    let packet = Frames.ipv6(from: source, to: destination, nextHeader: 103, payload: message)
    return Frames.ethernet(to: destination.multicastMAC, from: mac, etherType: 0x86DD, payload: packet)
  }

  /// A datagram to the group.
  package static func data(_ group: IPAddress, from mac: MACAddress = .station(1), _ payload: [UInt8] = [1, 2, 3])
    -> [UInt8]
  {
    let udp = Frames.udp(from: 4000, to: 5000, payload: payload)
    return group.family == .ipv4
      ? Frames.ethernet(
        to: group.multicastMAC, from: mac, etherType: 0x0800,
        payload: Frames.ipv4(from: IPAddress(ipv4: 0x0A2A_0001), to: group, payload: udp))
      : Frames.ethernet(
        to: group.multicastMAC, from: mac, etherType: 0x86DD,
        payload: Frames.ipv6(from: IPAddress(ipv6High: 0xFD42 << 48, low: 1), to: group, payload: udp))
  }

  private static func setChecksum(_ message: inout [UInt8], initial: UInt64) {
    guard message.count >= 4 else { return }
    message.replaceSubrange(2..<4, with: [0, 0])
    let checksum = Checksum.finish(Checksum.sum(message.span, initial: initial))
    message.replaceSubrange(2..<4, with: [UInt8(checksum >> 8), UInt8(checksum & 255)])
  }
}
