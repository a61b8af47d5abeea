import Forwarding
import LinuxIO
import VXLAN

// Multicast goes where somebody listens. On the worker's thread.
//
//   from a TAP     a frame to a group that has a known listener goes to the peers that have one, and to those with a
//                  router; messages of IGMP and MLD go to all, whose agents learn from them. Queries are learned from
//                  once nothing holds them back; reports are for others, and cost no more than any frame
//   from a peer    reports and queries are learned from, on their way into the TAP
//
// Tagged frames are flooded: the hosts of a VLAN within the segment are asked by nobody.

/// Where the copies of a flooded run go.
struct FloodList {
  // SAFETY: the topology's, or that of a list of groups that is kept until the worker's next boundary.
  let peers: UnsafePointer<Int>
  let count: Int

  subscript(position: Int) -> Int { peers[position] }
}

// HOT
extension Engine {
  /// Stands for the peers of a list of `groups`, as `everyPeer` does for all: -2 and below.
  private static var firstList: Int { -2 }

  /// Where a frame to a group address goes: `everyPeer`, or the peers that want it.
  func peers(
    wanting bytes: borrowing Span<UInt8>, _ packet: InnerPacket?, ethernet: EthernetHeader, segment: Int
  ) -> Int {
    guard topology.records[segment].snoops, let packet, !ethernet.isTagged else { return Self.everyPeer }
    guard !GroupMessage.isPossible(packet, inFrame: bytes), let groups else { return Self.everyPeer }
    let group = packet.destination(inFrame: bytes)
    guard group.isSnooped, group.multicastMAC.rawValue == ethernet.destination.rawValue else { return Self.everyPeer }
    let list = groups.list(of: MulticastSnapshot.key(of: group, hash: floods.groupHash))
    return list < 0 ? Self.everyPeer : Self.firstList &- list
  }

  /// Learns from a frame of the own TAP that goes to all.
  @inline(__always)
  mutating func snoopsLocal(
    _ bytes: borrowing Span<UInt8>, _ packet: InnerPacket?, ethernet: EthernetHeader, segment: Int, now: Instant
  ) {
    guard topology.records[segment].snoops, let packet, !ethernet.isTagged, ethernet.destination.isMulticast,
      GroupMessage.isPossible(packet, inFrame: bytes), !Self.isReport(packet, inFrame: bytes)
    else { return }
    takeLocal(bytes, packet, from: ethernet.source, segment: segment, now: now)
  }

  /// Whether a frame that may have a message of IGMP or MLD has a report, of which nothing is kept.
  private static func isReport(_ packet: InnerPacket, inFrame bytes: borrowing Span<UInt8>) -> Bool {
    guard let transport = InnerTransport(of: packet, inFrame: bytes), transport.offset < bytes.count else {
      return false
    }
    switch transport.ipProtocol {
    case Specification.protocolIGMP: return bytes[transport.offset] != Specification.igmpQuery
    case Specification.protocolICMPv6: return bytes[transport.offset] != Specification.mldQuery
    default: return false
    }
  }

  /// The peers that get copies of a run whose key names several.
  @inline(__always)
  func floodList(of key: OutgoingRuns.Key) -> FloodList {
    if key.peer <= Self.firstList, let groups {
      let list = groups.peers(ofList: Self.firstList &- key.peer)
      return FloodList(peers: list.start, count: list.count)
    }
    let record = topology.records + key.segment
    return FloodList(peers: UnsafePointer(record.pointee.floodList), count: record.pointee.floodCount)
  }

  /// Learns from a frame of a peer to a group. Answers whether it ends here.
  @inline(__always)
  mutating func snoops(
    _ frame: UnsafeMutablePointer<UInt8>, byteCount: Int, peer: Int, segment: Int, now: Instant
  ) -> Bool {
    guard frame[0] & 1 != 0, topology.records[segment].snoops else { return false }
    // SAFETY: the batch keeps the frame's bytes until it is filled again; it has an Ethernet header at least.
    let bytes = Span<UInt8>(_unsafeStart: frame, count: byteCount)
    guard frame[12] != 0x81, frame[12] != 0x88, let packet = InnerPacket(inFrame: bytes),
      GroupMessage.isPossible(packet, inFrame: bytes), let message = GroupMessage(of: packet, inFrame: bytes)
    else { return false }
    return take(message, from: .peer(peer), segment: segment, now: now)
  }
}

// COLD
extension Engine {
  @inline(never)
  private mutating func takeLocal(
    _ bytes: borrowing Span<UInt8>, _ packet: InnerPacket, from source: MACAddress, segment: Int, now: Instant
  ) {
    // What the agent itself asks may come back from a TAP.
    guard source != topology.segments[segment].querierMAC, let message = GroupMessage(of: packet, inFrame: bytes)
    else { return }
    take(message, from: .local, segment: segment, now: now)
  }

  @inline(never)
  @discardableResult
  private mutating func take(_ message: GroupMessage, from remote: Remote, segment: Int, now: Instant) -> Bool {
    let outranks = remote.peerSlot.map { topology.peers[$0].outranks } ?? false
    let (outcome, isEarlier) = floods.groups[segment].take(
      message, from: remote, outranks: outranks, now: now)
    if isEarlier { hasFloodNews = true }
    return outcome.staysOutOfTAP
  }

  /// Asks who listens: behind the own TAP, and at each peer. For the worker's thread, between two batches.
  package mutating func send(_ query: GroupQuery, segment: Int, now: Instant) {
    // It may have left meanwhile.
    guard topology.segments.isOccupied(segment) else { return }
    batchTime = now
    var frame = query.frame(from: topology.segments[segment].querierMAC)
    let byteCount = frame.count
    frame.withUnsafeMutableBufferPointer { frame in
      // SAFETY: a query is never empty, and is copied or written before the closure ends.
      guard let start = frame.baseAddress else { return }
      let bytes = Span<UInt8>(_unsafeStart: start, count: byteCount)
      let record = topology.records + segment
      for position in 0..<record.pointee.floodCount {
        let peer = record.pointee.floodList[position]
        var key = OutgoingRuns.Key(
          peer: peer, sourcePortIndex: sourcePortIndex(flowIndex: 0, peer: peer),
          trafficClass: outerTrafficClass(
            of: InnerPacket(inFrame: bytes), fixed: record.pointee.fixedTrafficClass), segment: segment)
        key.isGenerated = true
        append(FrameBatch.Frame(start: start, byteCount: byteCount, offload: VirtioNetHeader()), key)
      }
      flush()
      var write = OutgoingFrames(capacity: 1)
      write.append(start: start, byteCount: byteCount, segment: segment, peer: 0)
      framePorts[segment].send(&write, 0..<1)
      rememberOwn(start, byteCount: byteCount, segment: segment, now: now)
      if write[0].failure == 0 { counters.add(to: .generated, .underlay, segment: segment) }
    }
  }
}

extension SegmentPlan {
  /// From where the agent asks who listens: not the own address, which a bridge would not expect from the TAP.
  var querierMAC: MACAddress {
    let hash = KeyedHash(key0: 0x7674_6570_2d67_726f, key1: 0x7570_2d71_7565_7279)
    return MACAddress(rawValue: hash(ownMAC.rawValue) & ~0x0100_0000_0000 | 0x0200_0000_0000)
  }
}
