import CVXLAN
import Forwarding
import Glibc
import LinuxIO
import VXLAN

// From the overlay to the underlay, for a batch of frames of one segment. On the worker's thread.
//
//   1. judge      the frame is whole, untagged or allowed a tag, and has a source that may be one
//   2. learn      its source is behind the own TAP, unless it is a frame that comes back (LoopDetection.swift)
//   3. look up    its destination: one peer, or flood to all peers of the segment, as often as its rate allows; or to
//                 those that listen to its group (MulticastSnooping.swift). What asks for an address that is known is
//                 answered and goes no further (NeighborSuppression.swift)
//   4. write      the datagram behind those that go the same way; a superframe is cut into its segments on the way
//   5. send       everything gathered: runs of datagrams of one length, a copy of flooded ones for each peer; those of
//                 a sealed segment by SealedEncapsulation.swift
//   6. settle     each frame ends as sent or under one drop reason
//
// A superframe of N segments is N frames in every counter. RFC 7348, sections 4.1 and 4.2.

// HOT
extension Engine {
  mutating func encapsulate(segment: Int, now: Instant) {
    if topology.tables[segment].isLarge() { fetchEntries(segment: segment) }
    groups = floods.groups[segment].snapshot()
    for index in 0..<frames.count { encapsulate(frames[index], segment: segment, now: now) }
    flush()
    // It may be given back from the next boundary on.
    groups = nil
  }

  private mutating func encapsulate(_ frame: FrameBatch.Frame, segment: Int, now: Instant) {
    // SAFETY: the batch keeps the frame's bytes until it is cleared.
    let bytes = Span<UInt8>(_unsafeStart: frame.start, count: frame.byteCount)
    let packet = InnerPacket(inFrame: bytes)
    guard frame.offload.isSuperframe else {
      counters.add(to: .framesIn, .overlay, segment: segment)
      counters.add(frame.byteCount, to: .bytesIn, .overlay, segment: segment)
      guard frame.isChecksumInside else { return drop(frame, .badOffload, segment: segment) }
      switch judge(frame, bytes, packet, superframe: nil, segment: segment, now: now) {
      case .drop(let reason): drop(frame, reason, segment: segment)
      case .answered(let station, let key): endAnswered(frame, station: station, key)
      case .tooBig(let key): endTooBig(frame, packet: packet, key, now: now)
      case .send(let key):
        if topology.records[segment].clampsMSS, SYNFrames.mayContain(frame.start, byteCount: frame.byteCount) {
          clampMSS(
            frame.start, byteCount: frame.byteCount, overlayMTU: overlayMTU(key),
            isChecksumPartial: frame.offload.wantsChecksum)
        }
        append(frame, key)
      }
      return
    }
    guard let superframe = Superframe(frame, packet: packet) else {
      counters.add(to: .framesIn, .overlay, segment: segment)
      counters.add(frame.byteCount, to: .bytesIn, .overlay, segment: segment)
      drop(frame, .badOffload, segment: segment)
      return
    }
    let count = superframe.segmentCount
    counters.add(count, to: .framesIn, .overlay, segment: segment)
    counters.add(
      superframe.payloadByteCount &+ count &* superframe.headerByteCount, to: .bytesIn, .overlay, segment: segment)
    switch judge(frame, bytes, packet, superframe: superframe, segment: segment, now: now) {
    case .drop(let reason): drop(frame, reason, count: count, segment: segment)
    // A superframe is TCP or UDP.
    case .answered: counters.add(count, to: .consumed, .overlay, segment: segment)
    case .tooBig(let key): endTooBig(superframe, frame, packet: packet, key, now: now)
    case .send(let key): append(superframe, frame.start, key)
    }
  }

  /// Where a frame goes, or why it ends here.
  private enum Verdict {
    case send(OutgoingRuns.Key)
    /// It does not fit the way that it would go.
    case tooBig(OutgoingRuns.Key)
    /// It was answered, and asks the station itself if one is named.
    case answered(MACAddress?, OutgoingRuns.Key)
    case drop(DropReason)
  }

  private mutating func judge(
    _ frame: FrameBatch.Frame, _ bytes: borrowing Span<UInt8>, _ packet: InnerPacket?, superframe: Superframe?,
    segment: Int, now: Instant
  ) -> Verdict {
    let record = topology.records + segment
    let frameByteCount = superframe?.segmentByteCount ?? frame.byteCount
    guard let ethernet = EthernetHeader(parsing: bytes) else { return .drop(.shortFrame) }
    if ethernet.isTagged, !record.pointee.passesVLANTags { return .drop(.vlanTag) }
    if !ethernet.source.isValidSource { return .drop(.invalidSourceMAC) }
    if isReturned(frame, superframe, ethernet: ethernet, segment: segment, now: now) { return .drop(.loop) }
    if isStaticMove(ethernet.source, from: .local, segment: segment, now: now) { return .drop(.staticMove) }
    let suppression = suppression(of: bytes, ethernet, segment: segment, now: now)
    // s. 4.2: broadcast, multicast and unknown unicast go to every VTEP of the segment; groups to those that listen.
    let peer =
      if let only = suppression.peer {
        only
      } else if ethernet.destination.isMulticast {
        peers(wanting: bytes, packet, ethernet: ethernet, segment: segment)
      } else {
        topology.tables[segment].remote(of: ethernet.destination)?.peerSlot ?? Self.everyPeer
      }
    // A frame to a group is one of a storm also when it is a request that goes to one peer only.
    if peer < 0 || ethernet.destination.isMulticast && !suppression.isAnswered {
      if isCircling(frame, superframe, ethernet: ethernet, segment: segment, now: now) { return .drop(.loop) }
      guard floods.storms[segment].take(superframe?.segmentCount ?? 1, now: now) else {
        noteFloodNews()
        return .drop(.stormLimit)
      }
      snoopsLocal(bytes, packet, ethernet: ethernet, segment: segment, now: now)
      if peer < 0, record.pointee.floodCount == 0 { return .drop(.noPeer) }
    }
    if suppression.isQuestion { noteQuestion(in: bytes, segment: segment, now: now) }
    let hash = FlowHash.hash(of: bytes, ethernet: ethernet, packet: packet, with: flowKey)
    let key = OutgoingRuns.Key(
      peer: peer, sourcePortIndex: sourcePortIndex(flow: hash, peer: peer),
      trafficClass: outerTrafficClass(of: packet, fixed: record.pointee.fixedTrafficClass), segment: segment)
    if suppression.isAnswered { return .answered(suppression.station, key) }
    guard frameByteCount <= topology.limits.frameByteCountMax(ofSegment: segment) else { return .tooBig(key) }
    // Of a flooded frame the copies are judged one by one, when they are made; here only whether there will be any.
    let fits =
      peer < 0
      ? fitsAnyPeer(frameByteCount: frameByteCount, of: key)
      : fits(frameByteCount: frameByteCount, segment: segment, peer: peer)
    return fits ? .send(key) : .tooBig(key)
  }

  /// Stands for all peers of the segment, until the run is copied for each. Below it, for some of them (`floodList`).
  static var everyPeer: Int { -1 }

  /// Entropy of flow and peer, never of worker or lane: one inner flow keeps one outer port. For every peer at once it
  /// is the flow's alone, and the peer's is added with each copy.
  private func sourcePortIndex(flow hash: UInt64, peer: Int) -> Int {
    let index = Int(truncatingIfNeeded: (hash &>> 16) % UInt64(sourcePortCount))
    return peer < 0 ? index : sourcePortIndex(flowIndex: index, peer: peer)
  }

  func sourcePortIndex(flowIndex: Int, peer: Int) -> Int {
    // An odd number spreads neighbouring slots over the ports.
    Int(UInt(bitPattern: flowIndex &+ peer &* 0x9E37_79B1) % UInt(sourcePortCount))
  }

  /// RFC 6040, section 4.1: the ECN field is copied. DSCP by the segment's policy.
  func outerTrafficClass(of packet: InnerPacket?, fixed: Int16) -> UInt8 {
    let inner = packet?.trafficClass ?? 0
    return fixed < 0 ? inner : UInt8(truncatingIfNeeded: fixed) | inner & 3
  }

  /// Adds the datagram of one frame, its checksum finished.
  mutating func append(_ frame: FrameBatch.Frame, _ key: OutgoingRuns.Key) {
    let record = topology.records + key.segment
    let byteCount = frame.byteCount &+ record.pointee.addedByteCount
    if !outgoing.hasRoom(forBytes: byteCount, runs: 1) { flush() }
    let start = outgoing.nextStart
    writeHeader(at: start, segment: key.segment)
    let inner = start + record.pointee.headerByteCount
    inner.update(from: frame.start, count: frame.byteCount)
    if frame.offload.wantsChecksum {
      let from = Int(frame.offload.checksumStart)
      let field = from + Int(frame.offload.checksumOffset)
      // The field holds the sum of the pseudo-header already.
      let sum = cvxlan_sum(inner + from, frame.byteCount - from)
      let isUDP = frame.offload.checksumOffset == TransportChecksum.offsetInUDP
      inner.setNative16(TransportChecksum.field(sum, isUDP: isUDP), at: field)
    }
    outgoing.append(byteCount: byteCount, key: key)
  }

  /// Adds the datagrams of a superframe's segments.
  private mutating func append(
    _ superframe: Superframe, _ frame: UnsafeMutablePointer<UInt8>, _ key: OutgoingRuns.Key
  ) {
    let record = topology.records + key.segment
    let added = record.pointee.addedByteCount
    let stride = superframe.segmentByteCount &+ added
    let segmentCount = superframe.segmentCount
    var index = 0
    while index < segmentCount {
      if !outgoing.hasRoom(forBytes: stride, runs: 1) { flush() }
      // As many as the run takes; the superframe's last segment may be shorter.
      let count = min(segmentCount &- index, outgoing.room(forDatagramsOf: stride, key: key))
      var start = outgoing.nextStart
      var byteCount = 0
      for _ in 0..<count {
        writeHeader(at: start, segment: key.segment)
        byteCount = superframe.write(index, of: frame, to: start + record.pointee.headerByteCount) &+ added
        start += byteCount
        index &+= 1
      }
      outgoing.append(count, stride: stride, lastByteCount: byteCount, key: key)
    }
  }

  /// The header of a plain datagram; that of a sealed one is written with its counter.
  func writeHeader(at start: UnsafeMutablePointer<UInt8>, segment: Int) {
    if topology.records[segment].isSealed { return }
    start.setBigEndian32(VXLANHeader.firstWord, at: 0)
    start.setBigEndian32(topology.records[segment].vniWord, at: 4)
  }

  /// Learns the source of a frame; true when a static entry says that it is elsewhere.
  mutating func isStaticMove(_ source: MACAddress, from remote: Remote, segment: Int, now: Instant) -> Bool {
    guard topology.records[segment].learns else {
      return topology.tables[segment].hasStatic(source, elsewhereThan: remote)
    }
    let second = now.seconds
    let changeCount = topology.tables[segment].changeCount()
    // By number: the comparison of another module's type is a call.
    if source.rawValue == lastLearned.mac.rawValue, segment == lastLearned.segment,
      remote.rawValue == lastLearned.remote.rawValue, second == lastLearned.second,
      changeCount == lastLearned.changeCount
    {
      return false
    }
    let outcome = topology.tables[segment].learn(source, from: remote, now: second)
    // What was learned from a static entry, refused or moved is asked again; a move makes the note before it wrong.
    if case .known = outcome {
      lastLearned = LastLearned(
        mac: source, remote: remote, segment: segment, second: second, changeCount: changeCount)
      return false
    }
    lastLearned = LastLearned()
    if case .refusedStatic = outcome { return true }
    if case .refusedFull = outcome { return false }
    if case .moved = outcome, remote.isLocal { lastComer = (source, second) }
    tell(outcome, of: source, from: remote, segment: segment, now: now)
    return false
  }

  /// Sends what has gathered and settles it.
  mutating func flush() {
    // All of it is of one segment, as the batch is.
    if outgoing.count > 0, topology.records[outgoing[0].key.segment].isSealed {
      flushSealed()
      return outgoing.clear()
    }
    var hasFlood = false
    for index in 0..<outgoing.count where outgoing[index].key.peer < 0 { hasFlood = true }
    if hasFlood {
      flushWithCopies()
    } else if outgoing.count > 0 {
      plain.send(&outgoing)
      for index in 0..<outgoing.count { settlePlain(outgoing[index]) }
      if captures.isOn { for index in 0..<outgoing.count { captureSent(outgoing[index]) } }
    }
    outgoing.clear()
  }

  /// Head-end replication: one copy of each flooded run for every peer of its segment; the copies share the bytes.
  private mutating func flushWithCopies() {
    for index in 0..<outgoing.count {
      let run = outgoing[index]
      guard run.key.peer < 0 else {
        appendCopy(run)
        continue
      }
      let list = floodList(of: run.key)
      let lastPosition = lastFlooded(run, list)
      guard lastPosition >= 0 else {
        if run.key.isGenerated { continue }
        counters.add(
          run.datagramCount &* list.count, to: .floodCopyDrops, .overlay, segment: run.key.segment)
        end(run, sentCount: 0, failure: EMSGSIZE)
        continue
      }
      for position in 0..<list.count {
        guard fits(run, peer: list[position]) else {
          counters.add(run.datagramCount, to: .floodCopyDrops, .overlay, segment: run.key.segment)
          continue
        }
        var copy = run
        copy.key.peer = list[position]
        copy.key.sourcePortIndex = sourcePortIndex(flowIndex: run.key.sourcePortIndex, peer: copy.key.peer)
        copy.role = position == lastPosition ? .lastCopy : .copy
        appendCopy(copy)
      }
    }
    flushCopies()
  }

  /// The position in the flood list of the last peer whose path the flooded run fits; -1: of none.
  private func lastFlooded(_ run: OutgoingRuns.Run, _ list: FloodList) -> Int {
    var position = list.count &- 1
    while position >= 0, !fits(run, peer: list[position]) { position &-= 1 }
    return position
  }

  /// Whether the path to a peer takes the datagrams of a run. The sockets do not ask the route.
  func fits(_ run: OutgoingRuns.Run, peer: Int) -> Bool {
    fits(datagramByteCount: run.datagramByteCount, segment: run.key.segment, peer: peer)
  }

  @inline(__always)
  func fits(datagramByteCount: Int, segment: Int, peer: Int) -> Bool {
    fits(
      frameByteCount: datagramByteCount &- topology.records[segment].addedByteCount, segment: segment, peer: peer)
  }

  @inline(__always)
  private func fits(frameByteCount: Int, segment: Int, peer: Int) -> Bool {
    frameByteCount <= topology.limits.pathMTU(ofPeer: peer) &- topology.records[segment].outerByteCount
  }

  /// Mostly the first that is asked: only a frame that does not fit is compared with all.
  private func fitsAnyPeer(frameByteCount: Int, of key: OutgoingRuns.Key) -> Bool {
    let list = floodList(of: key)
    for position in 0..<list.count
    where fits(frameByteCount: frameByteCount, segment: key.segment, peer: list[position]) {
      return true
    }
    return false
  }

  private mutating func appendCopy(_ run: OutgoingRuns.Run) {
    if !copies.hasRoom(forBytes: 0, runs: 1) { flushCopies() }
    copies.append(run)
  }

  private mutating func flushCopies() {
    plain.send(&copies)
    for index in 0..<copies.count { settlePlain(copies[index]) }
    if captures.isOn { for index in 0..<copies.count { captureSent(copies[index]) } }
    copies.clear()
  }

  private mutating func settlePlain(_ run: OutgoingRuns.Run) {
    if run.sentCount > 0 { topology.notePlainFrames(toPeer: run.key.peer, now: batchTime) }
    settle(run)
  }

  mutating func settle(_ run: OutgoingRuns.Run) {
    let segment = run.key.segment
    batches.noteSend(datagramCount: run.sentCount)
    if run.failure == EMSGSIZE { isPathInDoubt = true }
    if run.sentCount > 0 {
      counters.sent(min(run.byteCount, run.sentCount &* run.datagramByteCount), toPeer: run.key.peer)
    }
    guard !run.key.isGenerated else {
      return counters.add(run.sentCount, to: .generated, .overlay, segment: segment)
    }
    switch run.role {
    case .unicast: end(run, sentCount: run.sentCount, failure: run.failure)
    case .lateCopy: countCopies(run)
    case .copy: settleCopies(run)
    case .lastCopy:
      settleCopies(run)
      endFlood(run, failure: floodFailure)
    }
  }

  private mutating func countCopies(_ run: OutgoingRuns.Run) {
    counters.add(run.sentCount, to: .floodCopies, .overlay, segment: run.key.segment)
    counters.add(run.datagramCount &- run.sentCount, to: .floodCopyDrops, .overlay, segment: run.key.segment)
  }

  private mutating func settleCopies(_ run: OutgoingRuns.Run) {
    countCopies(run)
    floodSentCount = max(floodSentCount, run.sentCount)
    // Of several reasons the lack of a session is the first.
    if run.failure != 0, floodFailure != Self.noSession { floodFailure = run.failure }
  }

  /// The frames of a flooded run are settled when all of its copies are.
  mutating func endFlood(_ run: OutgoingRuns.Run, failure: Int32) {
    end(run, sentCount: floodSentCount, failure: failure)
    floodSentCount = 0
    floodFailure = 0
  }

  /// The frames of `run` are settled: out once, however many copies went, or dropped once.
  mutating func end(_ run: OutgoingRuns.Run, sentCount: Int, failure: Int32) {
    if sentCount > 0 {
      counters.add(sentCount, to: .framesOut, .overlay, segment: run.key.segment)
      let byteCount = run.innerByteCount(
        ofFirst: sentCount, headerByteCount: topology.records[run.key.segment].addedByteCount)
      counters.add(byteCount, to: .bytesOut, .overlay, segment: run.key.segment)
    }
    let dropCount = run.datagramCount &- sentCount
    if dropCount > 0 { drop(run, from: sentCount, Self.dropReason(ofSend: failure)) }
  }

  static func dropReason(ofSend failure: Int32) -> DropReason {
    switch failure {
    case EAGAIN, ENOBUFS: .socketFull
    case EMSGSIZE: .tooBig
    case noSession: .noSession
    default: .underlayError
    }
  }
}

extension FrameBatch.Frame {
  /// Whether the checksum that the kernel left to us, if it did, lies within the frame.
  fileprivate var isChecksumInside: Bool {
    !offload.wantsChecksum || Int(offload.checksumStart) + Int(offload.checksumOffset) + 2 <= byteCount
  }
}
