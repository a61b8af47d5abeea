import CLinuxIO
import Glibc
import VXLAN

/// The entry of the routing table that the kernel would use towards an address.
package struct Route: Equatable, Sendable {
  /// The devices that packets may leave by: one, or several when the route has several next hops. Never empty.
  package let linkIndexes: [Int32]
  /// The MTU that the administrator or a router advertisement set on the route (`ip route … mtu 1400`), in bytes.
  package let mtuMetric: Int?
  /// The next hops as the kernel writes them, to compare routes by; empty where the destination is on the link.
  package let nextHops: [UInt8]
  /// Whether its device has a carrier, as far as the kernel has found out; true of several next hops.
  package let hasCarrier: Bool

  /// RTNH_F_LINKDOWN.
  private static let linkDownFlag: UInt32 = 16

  /// The device of the first next hop.
  package var linkIndex: Int32 { linkIndexes[0] }

  /// Reads an `RTM_NEWROUTE` message: `struct rtmsg`, 12 bytes, then attributes.
  /// - Throws: for a route that refuses packets what sending would answer: `EHOSTUNREACH`, `EACCES`, `EINVAL`;
  ///   `EBADMSG` for a message without a device.
  package init(parsing reply: NetlinkReply, _ call: String) throws(Errno) {
    let attributes = try reply.attributes(after: MemoryLayout<rtmsg>.size)
    // struct rtmsg: family, destination and source length, TOS, table, protocol, scope, type 1 each, flags 4.
    guard reply.type == RTM_NEWROUTE, let type: UInt8 = reply.payload.netlinkInteger(at: 7) else {
      throw Errno(EBADMSG, call)
    }
    if let number = Self.refusal(ofType: Int(type)) { throw Errno(number, call) }
    var indexes: [Int32] = []
    if let index: Int32 = attributes.integer(Int(RTA_OIF.rawValue)) {
      indexes = [index]
    } else if let hops = attributes.bytes(Int(RTA_MULTIPATH.rawValue)) {
      indexes = try Self.nextHopLinks(parsing: hops, call)
    }
    guard !indexes.isEmpty else { throw Errno(EBADMSG, "\(call) (a route without a device)") }
    linkIndexes = indexes
    let hops = [RTA_MULTIPATH, RTA_GATEWAY, RTA_VIA].compactMap { attributes.bytes(Int($0.rawValue)) }
    nextHops = hops.flatMap { Array($0) }
    let flags: UInt32 = reply.payload.netlinkInteger(at: 8) ?? 0
    hasCarrier = flags & Self.linkDownFlag == 0
    let metrics = try attributes.nested(Int(RTA_METRICS.rawValue))
    let mtu: UInt32? = metrics?.integer(RTAX_MTU)
    // 0 stands for "not set".
    mtuMetric = mtu.flatMap { $0 == 0 ? nil : Int($0) }
  }

  /// The numbers of fib_props in the kernel's net/ipv4/fib_semantics.c.
  private static func refusal(ofType type: Int) -> Int32? {
    switch type {
    case RTN_BLACKHOLE: EINVAL
    case RTN_UNREACHABLE: EHOSTUNREACH
    case RTN_PROHIBIT: EACCES
    case RTN_THROW: EAGAIN
    default: nil
    }
  }

  /// `struct rtnexthop`, 8 bytes: length 2, flags 1, weight 1, device 4; attributes follow within the length.
  private static func nextHopLinks(parsing bytes: ArraySlice<UInt8>, _ call: String) throws(Errno) -> [Int32] {
    var indexes: [Int32] = []
    var rest = bytes
    while !rest.isEmpty {
      guard let length: UInt16 = rest.netlinkInteger(), length >= 8, Int(length) <= rest.count,
        let index: Int32 = rest.netlinkInteger(at: 4)
      else { throw Errno(EBADMSG, "\(call) (next hops)") }
      indexes.append(index)
      rest = rest.dropFirst((Int(length) + 3) & ~3)
    }
    return indexes
  }
}
