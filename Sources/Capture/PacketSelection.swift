import VXLAN

/// Which packets are wanted, and what is read of them.
///
/// *Threads.* One.
package final class PacketSelection {
  package var ports = OverlayPorts()
  /// Empty: all, and what has none.
  package var vnis: Set<VNI> = []
  /// Outer addresses, as source or destination. Empty: all.
  package var peers: Set<IPAddress> = []
  /// For whole packets, where the kernel has not judged them.
  package var outerFilter: PacketFilter?
  /// For inner frames; what has none that is known is left out.
  package var innerFilter: PacketFilter?
  package var opener: PacketOpener?

  package init() {}

  /// Nil: not wanted.
  package func view(_ packet: CapturedPacket, linkType: LinkType) -> PacketView? {
    if let outerFilter, !outerFilter.matches(packet.bytes, wireByteCount: packet.wireByteCount) { return nil }
    guard let datagram = OverlayDatagram(linkType, packet.bytes.span, ports: ports) else { return nil }
    guard peers.isEmpty || peers.contains(datagram.outer.ip.source) || peers.contains(datagram.outer.ip.destination)
    else { return nil }
    if !vnis.isEmpty {
      guard let vni = datagram.vni, vnis.contains(vni) else { return nil }
    }
    let view = PacketView(packet, datagram, opener: opener)
    return isInnerWanted(view) ? view : nil
  }

  /// As above, for an inner frame that was captured by itself.
  package func view(frame packet: CapturedPacket, vni: VNI?) -> PacketView? {
    if let outerFilter, !outerFilter.matches(packet.bytes, wireByteCount: packet.wireByteCount) { return nil }
    if !vnis.isEmpty {
      guard let vni, vnis.contains(vni) else { return nil }
    }
    let view = PacketView(frame: packet, vni: vni)
    return isInnerWanted(view) ? view : nil
  }

  private func isInnerWanted(_ view: PacketView) -> Bool {
    guard let innerFilter else { return true }
    guard let inner = view.inner else { return false }
    return innerFilter.matches(inner.bytes, wireByteCount: inner.wireByteCount)
  }
}
