import Forwarding
import LinuxIO
import Sealing
import VXLAN

// From the sealed port to the overlay, for a batch of buffers. On the worker's thread.
//
//   1. judge the buffer     whole
//   2. judge the datagram   framing; a handshake with the right mac1 goes to the thread of the sessions
//   3. find                 the segment of the VNI, and what opens the index
//   4. open                 in place, all datagrams of one segment and index that lie behind each other at once
//   5. deliver              as Decapsulation.swift does with plain ones, from its step 3 on
//
// Who sent a datagram is the key's to say, never its address. The order of the checks is the order of the drop reasons.

// HOT
extension Engine {
  /// The first half of a sealed header and the segment that it names.
  struct LastSealedPrefix {
    /// The 8 bytes as they lie.
    var bytes: UInt64 = 0
    /// Negative at the beginning: `bytes` say nothing then.
    var segment = -1
  }

  /// Sealed datagrams behind each other in a buffer.
  private struct SealedArrival {
    var start: UnsafeMutablePointer<UInt8>
    /// Bytes of all of them, and of each but the last.
    var byteCount: Int
    var datagramByteCount: Int
    var source: IPAddress
    var sourcePort: UInt16
    var trafficClass: UInt8

    var firstByteCount: Int { min(byteCount, datagramByteCount) }

    /// The first datagram, where it ends before it is opened.
    var ended: Ended { Ended(start, firstByteCount) }
  }

  /// A datagram with a frame or control message is longer than header and shortest tag.
  private static var emptyByteCount: Int { SealedHeader.byteCount &+ 16 }

  /// Takes one batch of datagrams from the sealed port and delivers it to the TAPs.
  package mutating func stepSealed(now: Instant) -> Step {
    forgedCost = 0
    let failure = sealedPort.receive(into: &received)
    batches.receives &+= UInt64(received.count)
    batchTime = now
    beginDrops()
    if captures.isOn { captureReceived(isSealed: true) }
    if received.count > 0 { decapsulateSealed(now: now) }
    endDrops()
    return Step(
      count: received.count, byteCount: received.byteCount, failure: failure, forgedCost: forgedCost,
      hasFloodNews: takeFloodNews())
  }

  private mutating func decapsulateSealed(now: Instant) {
    for index in 0..<received.count {
      let buffer = received[index]
      if buffer.isFragmented || buffer.isTruncated {
        endSealed(
          buffer.isFragmented ? .fragment : .truncated, Ended(buffer.start, buffer.byteCount),
          segment: Counters.noSegment)
        continue
      }
      var arrival = SealedArrival(
        start: buffer.start, byteCount: buffer.byteCount, datagramByteCount: buffer.datagramByteCount,
        source: buffer.source, sourcePort: buffer.sourcePort, trafficClass: buffer.trafficClass)
      repeat {
        let taken = decapsulateSealed(arrival, now: now)
        arrival.start += taken
        arrival.byteCount &-= taken
      } while arrival.byteCount > 0
    }
    deliver()
  }

  /// Takes the first datagram, and what follows of its kind, segment and index. Answers how many bytes they are.
  private mutating func decapsulateSealed(_ arrival: SealedArrival, now: Instant) -> Int {
    let byteCount = arrival.firstByteCount
    guard byteCount >= VXLANHeader.byteCount else {
      endSealed(.shortHeader, arrival.ended, segment: Counters.noSegment)
      return byteCount
    }
    guard byteCount > Self.emptyByteCount else {
      endSealed(.framing, arrival.ended, segment: Counters.noSegment)
      return byteCount
    }
    if arrival.start.native64(at: 0) != lastSealedPrefix.bytes || lastSealedPrefix.segment < 0 {
      guard let segment = judgeSealedHeader(arrival, now: now) else { return byteCount }
      lastSealedPrefix = LastSealedPrefix(bytes: arrival.start.native64(at: 0), segment: segment)
    }
    let segment = lastSealedPrefix.segment
    guard let opening = opening(of: arrival, segment: segment, now: now) else { return byteCount }
    let count = gather(arrival)
    opening.pointee.opener.open(UnsafeMutableBufferPointer(start: scratch.slots, count: count))
    var taken = 0
    var index = 0
    while index < count {
      let slot = scratch.slots[index]
      index &+= 1
      taken &+= slot.byteCount
      take(slot, of: opening, trafficClass: arrival.trafficClass, segment: segment, now: now)
      guard index < count, case .opened = slot.verdict else { continue }
      let more = continueRun(
        scratch.slots + index, count: count &- index, of: opening, trafficClass: arrival.trafficClass, segment: segment,
        now: now)
      index &+= more.count
      taken &+= more.byteCount
    }
    return taken
  }

  /// Takes the opened datagrams that continue the superframe under way, which is of their peer and segment.
  private mutating func continueRun(
    _ slots: UnsafeMutablePointer<Opener.Slot>, count: Int, of opening: UnsafeMutablePointer<OpeningTable.Opening>,
    trafficClass: UInt8, segment: Int, now: Instant
  ) -> Coalescing.Taken {
    // Where congestion may have to be carried inwards, each frame is looked at by itself.
    guard trafficClass & 3 == 0, !isLastRemembered else { return Coalescing.Taken() }
    let added = SealedHeader.byteCount &+ opening.pointee.opener.cipher.tagByteCount
    let taken = coalescing.extend(
      slots, count: count, addedByteCount: added, segment: segment, peer: opening.pointee.peer, to: &deliveries)
    guard taken.count > 0 else { return taken }
    counters.received(taken.byteCount, fromPeer: opening.pointee.peer, now: now.nanoseconds)
    counters.add(taken.count, to: .framesIn, .underlay, segment: segment)
    counters.add(taken.byteCount &- taken.count &* added, to: .bytesIn, .underlay, segment: segment)
    return taken
  }

  /// The header of a datagram that may be long enough for anything. Answers the segment of a frame; nil when the
  /// datagram ended here.
  private mutating func judgeSealedHeader(_ arrival: SealedArrival, now: Instant) -> Int? {
    // SAFETY: the batch keeps the payload's bytes until it is filled again.
    let payload = Span<UInt8>(_unsafeStart: arrival.start, count: arrival.firstByteCount)
    guard let header = SealedHeader(parsing: payload) else {
      endSealed(.framing, arrival.ended, segment: Counters.noSegment)
      return nil
    }
    switch header.kind {
    case .handshake:
      takeHandshake(payload, of: arrival)
      return nil
    case .control:
      takeControl(arrival, header.word, now: now)
      return nil
    case .frame: break
    }
    let segment = topology.segmentByVNI.slot(high: 0, low: UInt64(header.vni.rawValue))
    guard segment >= 0, topology.records[segment].isSealed else {
      endSealed(.unknownVNI, arrival.ended, segment: Counters.noSegment)
      return nil
    }
    return segment
  }

  /// What opens the first datagram; nil when it ended here.
  private mutating func opening(
    of arrival: SealedArrival, segment: Int, now: Instant
  ) -> UnsafeMutablePointer<OpeningTable.Opening>? {
    if let opening = keyring.opening(Self.index(of: arrival.start)), opening.pointee.until > now.nanoseconds {
      return opening
    }
    if now.nanoseconds >= min(nextUnknownNote, nextStrangerNote) {
      noteUnknownSession(from: arrival.source, port: arrival.sourcePort, now: now.nanoseconds)
    }
    endSealed(.unknownSession, arrival.ended, segment: segment)
    return nil
  }

  /// Lists the first datagram and those behind it with the same first half of the header and the same index. Answers
  /// how many there are.
  private func gather(_ arrival: SealedArrival) -> Int {
    let prefix = arrival.start.native64(at: 0)
    let index = Self.index(of: arrival.start)
    var count = 0
    var offset = 0
    while count < Limits.openingCountMax, offset < arrival.byteCount {
      let start = arrival.start + offset
      let byteCount = min(arrival.byteCount &- offset, arrival.datagramByteCount)
      guard
        count == 0
          || byteCount > Self.emptyByteCount && start.native64(at: 0) == prefix
            && Self.index(of: start) == index
      else { break }
      scratch.slots[count] = Opener.Slot(datagram: UnsafeMutableRawPointer(start), byteCount: byteCount)
      count &+= 1
      offset &+= byteCount
    }
    return count
  }

  /// The session index of a datagram of at least 16 bytes.
  @inline(__always)
  private static func index(of start: UnsafeMutablePointer<UInt8>) -> UInt32 {
    SealedHeader.Word(rawValue: UInt64(bigEndian: start.native64(at: 8))).index
  }

  /// Settles what was tried to open.
  private mutating func take(
    _ slot: Opener.Slot, of opening: UnsafeMutablePointer<OpeningTable.Opening>, trafficClass: UInt8, segment: Int,
    now: Instant
  ) {
    let peer = opening.pointee.peer
    switch slot.verdict {
    case .framing: return endSealed(.framing, Ended(opened: slot), segment: segment, peer: peer)
    case .replay: return endSealed(.replay, Ended(opened: slot), segment: segment, peer: peer)
    case .authentication:
      forgedCost &+= slot.byteCount &+ ForgedPace.datagramCost
      return endSealed(.authentication, Ended(opened: slot), segment: segment, peer: peer)
    case .opened: break
    }
    // A key may be of a peer that this generation has not yet, or no more.
    guard peer < topology.peerEnd, topology.records[segment].isPermitted[peer] else {
      return endSealed(.notPermitted, Ended(opened: slot), segment: segment, peer: peer)
    }
    counters.received(slot.byteCount, fromPeer: peer, now: now.nanoseconds)
    take(
      slot.datagram.assumingMemoryBound(to: UInt8.self) + SealedHeader.byteCount,
      slot.byteCount &- SealedHeader.byteCount &- opening.pointee.opener.cipher.tagByteCount, peer: peer,
      trafficClass: trafficClass, segment: segment, now: now)
  }

  private mutating func endSealed(_ reason: DropReason, _ datagram: Ended, segment: Int, peer: Int = -1) {
    end(
      reason, innerByteCount: max(0, datagram.byteCount &- Self.emptyByteCount), segment: segment, peer: peer,
      datagram: datagram)
  }
}

// COLD: handshakes, and a few datagrams a second.
extension Engine {
  /// Offers a handshake whose `mac1` is right. It is counted by whoever judges it.
  @inline(never)
  private mutating func takeHandshake(_ payload: Span<UInt8>, of arrival: SealedArrival) {
    let source = Endpoint(address: arrival.source, udpPort: arrival.sourcePort)
    // A cookie reply has no `mac1`; it is sealed with that of our own message.
    guard let sealed, let message = HandshakeMessage(parsing: payload),
      message.kind == .cookie || sealed.mac.isFirstValid(message),
      sealed.inbox.offer(.handshake(message.bytes, from: source), isCookie: message.kind == .cookie)
    else { return endSealed(.handshake, arrival.ended, segment: Counters.noSegment) }
  }

  @inline(never)
  private mutating func takeControl(_ arrival: SealedArrival, _ word: SealedHeader.Word, now: Instant) {
    let byteCount = arrival.firstByteCount
    guard let opening = opening(of: arrival, segment: Counters.noSegment, now: now) else { return }
    let reason: DropReason
    switch opening.pointee.opener.open(UnsafeMutableRawPointer(arrival.start), byteCount: byteCount) {
    case .framing: reason = .framing
    case .replay: reason = .replay
    case .authentication:
      forgedCost &+= byteCount &+ ForgedPace.datagramCost
      reason = .authentication
    case .opened:
      // SAFETY: the opener has compared the length with header and tag.
      let plaintext = Array(
        UnsafeBufferPointer(
          start: arrival.start + SealedHeader.byteCount,
          count: byteCount - SealedHeader.byteCount - opening.pointee.opener.cipher.tagByteCount))
      let source = Endpoint(address: arrival.source, udpPort: arrival.sourcePort)
      counters.received(byteCount, fromPeer: opening.pointee.peer, now: now.nanoseconds)
      if let sealed, sealed.inbox.offer(.control(plaintext, word, from: source)) {
        counters.add(to: .framesIn, .underlay, segment: Counters.noSegment)
        counters.add(plaintext.count, to: .bytesIn, .underlay, segment: Counters.noSegment)
        return counters.add(to: .consumed, .underlay, segment: Counters.noSegment)
      }
      reason = .handshake
    }
    endSealed(
      reason, Ended(arrival.start, byteCount, intact: SealedHeader.byteCount), segment: Counters.noSegment)
  }

  /// Tells of it now and then: the sender may have a session that this side lost. What comes from elsewhere than a
  /// configured peer's address has a slower note of its own. A flood of strangers comes this far with each datagram.
  @inline(never)
  private mutating func noteUnknownSession(from address: IPAddress, port: UInt16, now: UInt64) {
    let key = Topology.key(address)
    if topology.peerByAddress.slot(high: key.high, low: key.low) >= 0 {
      guard now >= nextUnknownNote else { return }
      nextUnknownNote = now &+ Limits.unknownSessionInterval
    } else {
      guard now >= nextStrangerNote else { return }
      nextStrangerNote = now &+ Limits.unknownStrangerInterval
    }
    tellUnknownSession(from: address, port: port)
  }

  @inline(never)
  private func tellUnknownSession(from address: IPAddress, port: UInt16) {
    guard let sealed else { return }
    _ = sealed.inbox.offer(.unknownSession(from: Endpoint(address: address, udpPort: port)))
  }
}
