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

  /// Calls `body` with each datagram of the packet that is wanted, until it answers false: none, one, or several where
  /// the packet is a run of them.
  /// - Returns: false when `body` did.
  package func forEachView(
    _ packet: CapturedPacket, linkType: LinkType, _ body: (PacketView) throws -> Bool
  ) rethrows -> Bool {
    if let outerFilter, !outerFilter.matches(packet.bytes, wireByteCount: packet.wireByteCount) { return true }
    let bytes = packet.bytes.span
    guard let whole = OverlayDatagram(linkType, bytes, ports: ports), isWanted(whole.outer.ip) else { return true }
    var (isFurther, goesOn) = (false, true)
    try whole.forEachPiece(bytes, ports: ports) { datagram in
      guard isWanted(datagram.vni) else { return true }
      var view = PacketView(packet, datagram, of: whole, opener: opener)
      guard isInnerWanted(view) else { return true }
      view.isFurther = isFurther
      isFurther = true
      goesOn = try body(view)
      return goesOn
    }
    return goesOn
  }

  private func isWanted(_ ip: IPPacket) -> Bool {
    peers.isEmpty || peers.contains(ip.source) || peers.contains(ip.destination)
  }

  private func isWanted(_ vni: VNI?) -> Bool { vnis.isEmpty || vni.map(vnis.contains) ?? false }

  /// As above, for an inner frame that was captured by itself; nil: not wanted.
  package func view(frame packet: CapturedPacket, vni: VNI?) -> PacketView? {
    if let outerFilter, !outerFilter.matches(packet.bytes, wireByteCount: packet.wireByteCount) { return nil }
    guard isWanted(vni) else { return nil }
    let view = PacketView(frame: packet, vni: vni)
    return isInnerWanted(view) ? view : nil
  }

  private func isInnerWanted(_ view: PacketView) -> Bool {
    guard let innerFilter else { return true }
    guard let inner = view.inner else { return false }
    return innerFilter.matches(inner.bytes, wireByteCount: inner.wireByteCount)
  }
}
