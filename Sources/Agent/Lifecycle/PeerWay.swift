import LinuxIO

/// What the kernel said of the way to a peer when it was asked last.
struct PeerWay: Equatable {
  /// What the route takes, in bytes of an IP packet.
  let pathMTU: Int
  /// Nil without a route.
  let route: Route?
}
