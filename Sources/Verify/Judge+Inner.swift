import VXLAN

// The rules about inner frames.
extension Judge {
  /// - Parameter overhead: what of the UDP payload is not frame.
  mutating func judgeFrame(
    _ frame: Span<UInt8>, statedByteCount: Int, overhead: Int, _ vni: VNI, _ way: Way
  ) {
    if let segmentNumber { segments[segmentNumber].byteCount &+= statedByteCount }
    guard statedByteCount >= EthernetHeader.byteCount else {
      return report(.innerShort) { "\(statedByteCount) bytes, \(EthernetHeader.byteCount) needed" }
    }
    guard let ethernet = EthernetHeader(parsing: frame) else { return counts.cutCount &+= 1 }
    if ethernet.isTagged { report(.vlanTag) { "from \(ethernet.source)" } }
    if ethernet.source.isValidSource {
      judgeMAC(ethernet.source, vni, way)
    } else {
      report(.innerSource) { "\(ethernet.source)" }
    }
    let packet = InnerPacket(inFrame: frame)
    judgeSize(statedByteCount, overhead: overhead, frame, ethernet, packet, way)
    judgeFlow(frame, ethernet, packet, vni, way)
    if frame.count < statedByteCount { counts.cutCount &+= 1 }
  }

  private mutating func judgeSize(
    _ byteCount: Int, overhead: Int, _ frame: Span<UInt8>, _ ethernet: EthernetHeader, _ packet: InnerPacket?,
    _ way: Way
  ) {
    let most = plan.frameByteCountMax(isIPv4: way.isIPv4, overhead: overhead, isTagged: ethernet.isTagged)
    guard byteCount > most else { return }
    if way.isOffloaded, isSuperframe(frame, packet) {
      counts.superframeCount &+= 1
    } else {
      report(.oversize) { "a frame of \(byteCount) bytes, at most \(most)" }
    }
  }

  /// Whether the card that was to add the outer checksum also cuts the inner packet: TCP or UDP.
  private func isSuperframe(_ frame: Span<UInt8>, _ packet: InnerPacket?) -> Bool {
    guard let packet else { return false }
    let number = frame[packet.offset &+ (packet.family == .ipv4 ? 9 : 6)]
    return number == Specification.protocolTCP || number == Specification.protocolUDP
  }

  /// A MAC address lives behind one VTEP.
  private mutating func judgeMAC(_ mac: MACAddress, _ vni: VNI, _ way: Way) {
    guard let source = way.source else { return }
    var key = Digest(seed: UInt64(vni.rawValue))
    key.combine(mac.rawValue)
    let packet = UInt32(truncatingIfNeeded: counts.packetCount)
    guard let before = macs.exchange(key.value, UInt64(source), packet: packet, stamp: stamp),
      before.value != UInt64(source)
    else { return }
    let (old, new) = (peers[Int(before.value)].address, peers[source].address)
    report(.macMoved) { "\(mac) from \(old) to \(new)" }
  }

  /// An inner flow keeps one outer port on its way to one VTEP, or the underlay's paths would reorder it.
  private mutating func judgeFlow(
    _ frame: Span<UInt8>, _ ethernet: EthernetHeader, _ packet: InnerPacket?, _ vni: VNI, _ way: Way
  ) {
    var key = Digest(seed: way.pair)
    key.combine(FlowHash.hash(of: frame, ethernet: ethernet, packet: packet, with: flowKey))
    key.combine(UInt64(vni.rawValue))
    let number = UInt32(truncatingIfNeeded: counts.packetCount)
    guard let before = flows.exchange(key.value, UInt64(way.sourcePort), packet: number, stamp: stamp),
      before.value != UInt64(way.sourcePort)
    else { return }
    report(.flowPortUnstable) { "port \(way.sourcePort), and \(before.value) in packet \(before.packet)" }
  }
}
