import Glibc
import LinuxIO
import Sealing
import VXLAN

// Frames of sealed segments, from where Encapsulation.swift has gathered them to the sealed port. On the worker's
// thread.
//
//   1. find       what seals to the peer at this moment, and where the peer is
//   2. seal       a run in place, with one range of counters; of a flooded run a copy for each peer
//   3. wait       where there is no session: in clear, bounded, for a few seconds
//   4. send       what is sealed, and nothing else
//   5. settle     as plain ones; a frame that waits is counted as waiting, a flooded one of which a copy waits as sent
//
// The frames in clear lie in `outgoing`; what the port is given are the runs of `copies`, to which `appendSealed` adds
// what it has sealed.

// HOT
extension Engine {
  /// What seals a run to one peer, and where that is.
  struct SealedWay {
    let sealer: Sealer
    // SAFETY: the keyring's, which keeps it until the next batch boundary.
    let destination: UnsafeMutablePointer<Destination>
  }

  mutating func flushSealed() {
    for index in 0..<outgoing.count {
      let run = outgoing[index]
      if run.key.peer < 0 { sealCopies(run) } else { sealAlone(run) }
    }
    sendSealed()
  }

  /// Nil without a session, and when too little is left of it for `count` datagrams.
  @inline(__always)
  private func sealedWay(peer: Int, segment: Int, count: Int) -> SealedWay? {
    guard let sending = keyring.sending(toPeer: peer), let destination = keyring.destination(ofPeer: peer),
      sending.pointee.until > batchTime.nanoseconds,
      sending.pointee.tagByteCount == topology.records[segment].tagByteCount
    else { return nil }
    let sealer = sending.pointee.sealers[lane]
    return sealer.hasCounters(for: count) ? SealedWay(sealer: sealer, destination: destination) : nil
  }

  private mutating func sealAlone(_ run: OutgoingRuns.Run) {
    if waiting.count > 0, isWaiting(peer: run.key.peer) { return waitAlone(run) }
    guard let way = sealedWay(peer: run.key.peer, segment: run.key.segment, count: run.datagramCount) else {
      return waitAlone(run)
    }
    appendSealed(run, way, isOwn: false)
  }

  /// Seals a run where it lies, and adds it to what is sent.
  private mutating func appendSealed(_ run: OutgoingRuns.Run, _ way: SealedWay, isOwn: Bool) {
    let record = topology.records + run.key.segment
    let added = record.pointee.addedByteCount
    let lastByteCount = run.byteCount &- (run.datagramCount &- 1) &* run.datagramByteCount
    let isSealed = sealAndCheck(
      Sealer.Run(
        start: run.start, count: run.datagramCount, frameByteCount: run.datagramByteCount &- added,
        lastFrameByteCount: lastByteCount &- added), way.sealer, prefix: record.pointee.sealedPrefix)
    guard isSealed else { return endUnsealed(run) }
    var run = run
    run.destination = UnsafePointer(way.destination)
    if isOwn {
      copies.appendOwn(run)
    } else {
      if !copies.hasRoom(forBytes: 0, runs: 1) { sendSealed() }
      copies.append(run)
    }
  }

  // COLD
  /// The cipher failed, or what it made shows what was sealed, which happens on no host that passed its self-test:
  /// nothing of the run is sent.
  @inline(never)
  private mutating func endUnsealed(_ run: OutgoingRuns.Run) {
    // The copies before it are settled first.
    sendSealed()
    var run = run
    run.failure = Self.noSession
    settle(run)
  }

  /// Head-end replication: each peer of the segment has its own key, so each gets bytes of its own.
  private mutating func sealCopies(_ run: OutgoingRuns.Run) {
    let list = floodList(of: run.key)
    var lastPosition = -1
    var isAnyWaiting = false
    for position in 0..<list.count {
      let peer = list[position]
      (scratch.ways[position], scratch.waits[position]) = (nil, false)
      guard fits(run, peer: peer) else {
        counters.add(run.datagramCount, to: .floodCopyDrops, .overlay, segment: run.key.segment)
        continue
      }
      let isBehind = waiting.count > 0 && isWaiting(peer: peer)
      if !isBehind, let way = sealedWay(peer: peer, segment: run.key.segment, count: run.datagramCount) {
        scratch.ways[position] = way
        lastPosition = position
      } else {
        scratch.waits[position] = true
        isAnyWaiting = true
      }
    }
    if isAnyWaiting { waitCopies(run) }
    guard lastPosition >= 0 else { return endCopies(run, failure: isAnyWaiting ? Self.noSession : EMSGSIZE) }
    for position in 0...lastPosition {
      guard let way = scratch.ways[position] else { continue }
      if !copies.hasRoom(forBytes: run.byteCount, runs: 1) { sendSealed() }
      var copy = copy(of: run, position: position)
      copy.role = position == lastPosition ? .lastCopy : .copy
      copy.start = copies.nextStart
      copy.start.update(from: run.start, count: run.byteCount)
      appendSealed(copy, way, isOwn: true)
    }
  }

  private func copy(of run: OutgoingRuns.Run, position: Int) -> OutgoingRuns.Run {
    var copy = run
    copy.key.peer = floodList(of: run.key)[position]
    copy.key.sourcePortIndex = sourcePortIndex(flowIndex: run.key.sourcePortIndex, peer: copy.key.peer)
    return copy
  }

  private mutating func sendSealed() {
    guard copies.count > 0 else { return }
    for index in 0..<copies.count {
      precondition(copies[index].destination != nil, "a run that was not sealed on its way to the sealed port")
    }
    sealedPort.send(&copies)
    for index in 0..<copies.count { settle(copies[index]) }
    if captures.isOn { for index in 0..<copies.count { captureSent(copies[index]) } }
    copies.clear()
  }
}

// COLD: while there is no session.
extension Engine {
  /// Stands for the failure to find a session beside those of sending, which it is none of.
  static var noSession: Int32 { ENOKEY }

  /// Sends what waited for sessions that are there now. To be called when a key to seal with was published. Whether one
  /// of the frames was too large for its way, `takePathDoubt` tells.
  package mutating func sendWaiting(now: Instant) {
    batchTime = now
    guard waiting.count > 0 else { return }
    if captures.isOn { captures.begin(now: now.nanoseconds) }
    for peer in waiting.peers { sealWaiting(peer: peer) }
    sendSealed()
    captures.publish()
  }

  /// Drops what has waited too long. To be called at least every second while anything waits.
  package mutating func expireWaiting(now: Instant) {
    guard waiting.count > 0 else { return }
    if captures.isOn { captures.begin(now: now.nanoseconds) }
    for peer in waiting.peers {
      for frame in waiting.takeExpired(peer: peer, now: now) { endWaiting(frame) }
    }
    captures.publish()
  }

  /// Seals what waits for the peer in front of what is to come, if there is a session.
  @inline(never)
  private mutating func sealWaiting(peer: Int) {
    guard waiting.contains(peer: peer) else { return }
    for frame in waiting.takeExpired(peer: peer, now: batchTime) { endWaiting(frame) }
    let frames = waiting.frames(peer: peer)
    var count = 0
    // Those behind a frame for which there is no way wait on: they leave in order.
    while count < frames.count, let way = sealedWay(peer: peer, segment: frames[count].key.segment, count: 1) {
      sealWaiting(frames[count], way)
      count += 1
    }
    if count > 0 { waiting.removeFirst(count, peer: peer) }
  }

  /// Seals what waits for the peer, if there is a session. Answers whether some of it still waits, so that what is to
  /// come waits behind it: a key may have been published just now.
  @inline(never)
  private mutating func isWaiting(peer: Int) -> Bool {
    sealWaiting(peer: peer)
    return waiting.contains(peer: peer)
  }

  private mutating func sealWaiting(_ frame: WaitingFrames.Frame, _ way: SealedWay) {
    let record = topology.records + frame.key.segment
    let bytes = frame.content.bytes
    let byteCount = bytes.count + record.pointee.addedByteCount
    // The path may have become narrower meanwhile.
    guard fits(datagramByteCount: byteCount, segment: frame.key.segment, peer: frame.key.peer) else {
      return endWaiting(frame, .tooBig)
    }
    if !copies.hasRoom(forBytes: byteCount, runs: 1) { sendSealed() }
    let start = copies.nextStart
    (start + record.pointee.headerByteCount).update(from: bytes, count: bytes.count)
    if !frame.isCopy, !frame.key.isGenerated { counters.endWaiting(1, segment: frame.key.segment) }
    appendSealed(
      OutgoingRuns.Run(
        datagramAt: start, byteCount: byteCount, key: frame.key, role: frame.isCopy ? .lateCopy : .unicast), way,
      isOwn: true)
  }

  /// A frame does not wait any more, and goes nowhere.
  mutating func endWaiting(_ frame: WaitingFrames.Frame, _ reason: DropReason = .noSession) {
    if frame.key.isGenerated { return }
    if frame.isCopy { return counters.add(to: .floodCopyDrops, .overlay, segment: frame.key.segment) }
    counters.endWaiting(1, segment: frame.key.segment)
    drop(reason, frame.key)
    if captures.isOn { captureEnd(frame, reason) }
  }

  /// The frames of a run to one peer wait, as many as there is room for; the others end.
  @inline(never)
  private mutating func waitAlone(_ run: OutgoingRuns.Run) {
    var contents: [WaitingFrames.Content] = []
    let count = wait(run, isCopy: false, contents: &contents)
    guard !run.key.isGenerated else { return }
    counters.add(count, to: .waiting, .overlay, segment: run.key.segment)
    if count < run.datagramCount { drop(run, from: count, .noSession) }
  }

  /// The copies wait for which there was no way. What was flooded before is sent first: one run is counted at a time.
  @inline(never)
  private mutating func waitCopies(_ run: OutgoingRuns.Run) {
    sendSealed()
    var contents: [WaitingFrames.Content] = []
    for position in 0..<floodList(of: run.key).count where scratch.waits[position] {
      let copy = copy(of: run, position: position)
      let count = wait(copy, isCopy: true, contents: &contents)
      guard !run.key.isGenerated else { continue }
      counters.add(run.datagramCount &- count, to: .floodCopyDrops, .overlay, segment: run.key.segment)
      floodSentCount = max(floodSentCount, count)
      if count < run.datagramCount { floodFailure = Self.noSession }
    }
  }

  /// Of a flooded run no copy was sealed.
  private mutating func endCopies(_ run: OutgoingRuns.Run, failure: Int32) {
    // Copies of the run before it may still be unsettled, and some of them settled: one run is counted at a time.
    sendSealed()
    guard !run.key.isGenerated else { return }
    endFlood(run, failure: failure)
  }

  /// Keeps the frames of a run, up to the first for which there is no room. Answers how many.
  /// - Parameter contents: of the first frames of the run, as its other copies keep them; it grows.
  private mutating func wait(
    _ run: OutgoingRuns.Run, isCopy: Bool, contents: inout [WaitingFrames.Content]
  ) -> Int {
    // What is known of a peer that has left may not be forgotten yet: nothing waits for whoever gets its slot.
    guard topology.isPermitted(peer: run.key.peer, segment: run.key.segment) else { return 0 }
    let record = topology.records + run.key.segment
    for index in 0..<run.datagramCount {
      let offset = index &* run.datagramByteCount
      let byteCount = min(run.datagramByteCount, run.byteCount &- offset) &- record.pointee.addedByteCount
      // SAFETY: a datagram of the run has so many bytes between header and tag.
      let bytes = UnsafeBufferPointer(
        start: run.start + offset + record.pointee.headerByteCount, count: byteCount)
      let content = waiting.append(
        bytes, sharing: index < contents.count ? contents[index] : nil, key: run.key, isCopy: isCopy, now: batchTime)
      guard let content else { return index }
      if index == contents.count { contents.append(content) }
    }
    return run.datagramCount
  }
}
