import VXLAN

extension IPAddress {
  /// By pattern: comparing families for equality is a call across modules for every packet.
  @inline(__always) var isIPv4: Bool {
    if case .ipv4 = family { true } else { false }
  }
}
