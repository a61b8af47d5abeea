import CLinuxIO
import Glibc
import VXLAN

/// Where the kernel would send packets, and how large they may be.
extension NetlinkSocket {
  // linux/rtnetlink.h: the answer is the entry of the table, not the cached exception that path MTU discovery made.
  private static let fibMatchFlag: UInt32 = 0x2000

  /// The route that packets to `destination` take, from `source` when given. For an address of this host itself, the
  /// device that has it.
  /// - Throws: `ENETUNREACH` without a route or when `source` is no IPv4 address of this host; `EHOSTUNREACH`, `EACCES`
  ///   or `EINVAL` for a route of type unreachable, prohibit or blackhole.
  package mutating func route(to destination: IPAddress, from source: IPAddress? = nil) throws(Errno) -> Route {
    let call = "RTM_GETROUTE to \(destination)" + (source.map { " from \($0)" } ?? "")
    let length: UInt8 = destination.family == .ipv4 ? 32 : 128
    if let source, source.family != destination.family { throw Errno(EAFNOSUPPORT, call) }
    var header = rtmsg()
    header.rtm_family = Self.family(of: destination)
    header.rtm_dst_len = length
    header.rtm_src_len = source == nil ? 0 : length
    header.rtm_flags = Self.fibMatchFlag
    var message = NetlinkMessage(type: RTM_GETROUTE, flags: NLM_F_ACK)
    message.append(structure: header)
    message.append(Int(RTA_DST.rawValue), destination.octets)
    if let source { message.append(Int(RTA_SRC.rawValue), source.octets) }
    guard let reply = try request(message, call).first else { throw Errno(EBADMSG, call) }
    return try Route(parsing: reply, call)
  }

  /// The largest IP packet in bytes that this host would send towards `destination`: the smallest MTU of the
  /// devices, less where the route says so. What path MTU discovery learned is not looked at.
  /// - Throws: as `route(to:from:)`; `ENODEV` when a device went in between.
  package mutating func routeMTU(to destination: IPAddress, from source: IPAddress? = nil) throws(Errno) -> Int {
    try routeWithMTU(to: destination, from: source).linkMTU
  }

  /// The same with the route itself.
  package mutating func routeWithMTU(
    to destination: IPAddress, from source: IPAddress? = nil
  ) throws(Errno) -> (route: Route, linkMTU: Int) {
    let route = try route(to: destination, from: source)
    var smallest = route.mtuMetric ?? Int.max
    for index in route.linkIndexes {
      guard let link = try link(index: index) else { throw Errno(ENODEV, "RTM_GETLINK \(index)") }
      smallest = min(smallest, link.linkMTU)
    }
    return (route, smallest)
  }
}
