import VXLAN

/// Frames of ARP and neighbour discovery.
package enum NeighborFrames {
  /// A message of ARP from `mac`, asking with an empty target unless `targetMAC` says another.
  package static func arp(
    _ operation: ARPMessage.Operation = .request, from mac: MACAddress, _ sender: IPAddress, for target: IPAddress,
    targetMAC: MACAddress = .zero, to destination: MACAddress = .broadcast
  ) -> [UInt8] {
    frame(ofByteCount: ARPMessage.frameByteCount) { bytes in
      ARPMessage(operation, senderMAC: mac, sender: sender, targetMAC: targetMAC, target: target)
        .write(to: destination, in: &bytes)
    }
  }

  /// A solicitation from `mac` to the group of `target`, or to one station.
  package static func solicitation(
    from mac: MACAddress, _ source: IPAddress, for target: IPAddress, to station: MACAddress? = nil
  ) -> [UInt8] {
    let group = NeighborDiscoveryMessage.solicitedNodeGroup(of: target)
    let message = NeighborDiscoveryMessage(
      .solicitation, from: source, to: station == nil ? group : target, target: target, linkLayerAddress: mac)
    return discovery(message, to: station ?? group.multicastMAC, from: mac)
  }

  /// Duplicate address detection: from the unspecified address, without a link-layer address.
  package static func detection(of target: IPAddress, from mac: MACAddress) -> [UInt8] {
    let nobody = IPAddress(ipv6High: 0, low: 0)
    // The option is taken off again, and the length and checksum with it.
    var frame = solicitation(from: mac, nobody, for: target)
    frame.removeLast(8)
    frame[19] -= 8
    return fixed(frame)
  }

  /// An advertisement of `mac` to one station, or to all nodes, which is unsolicited.
  package static func advertisement(
    of target: IPAddress, at mac: MACAddress, to station: (MACAddress, IPAddress)? = nil, isRouter: Bool = false,
    overrides: Bool = true
  ) -> [UInt8] {
    let all = IPAddress(ipv6High: 0xFF02 << 48, low: 1)
    var message = NeighborDiscoveryMessage(
      .advertisement, from: target, to: station?.1 ?? all, target: target, linkLayerAddress: mac)
    message.isRouter = isRouter
    message.isSolicited = station != nil
    message.overrides = overrides
    return discovery(message, to: station?.0 ?? all.multicastMAC, from: mac)
  }

  /// The frame with another EtherType header field or message bytes, its ICMPv6 checksum made right again.
  package static func fixed(_ frame: [UInt8]) -> [UInt8] {
    var frame = frame
    let byteCount = Int(frame.span.bigEndian16(at: 18))
    (frame[56], frame[57]) = (0, 0)
    let pseudo = Array(frame[22..<54]) + [0, 0, frame[18], frame[19], 0, 0, 0, 58]
    let summed = pseudo + frame[54..<54 + byteCount]
    let sum = Checksum.finish(Checksum.sum(summed.span))
    (frame[56], frame[57]) = (UInt8(sum >> 8), UInt8(sum & 0xFF))
    return frame
  }

  private static func discovery(
    _ message: NeighborDiscoveryMessage, to destination: MACAddress, from mac: MACAddress
  ) -> [UInt8] {
    frame(ofByteCount: NeighborDiscoveryMessage.frameByteCount) { message.write(to: destination, from: mac, in: &$0) }
  }

  private static func frame(ofByteCount byteCount: Int, _ write: (inout MutableSpan<UInt8>) -> Void) -> [UInt8] {
    // Writers write every byte: nothing of what was there may shine through.
    var frame = [UInt8](repeating: 0xA5, count: byteCount)
    var bytes = frame.mutableSpan
    write(&bytes)
    return frame
  }
}
