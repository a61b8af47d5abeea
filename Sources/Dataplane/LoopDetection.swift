import CVXLAN
import Forwarding
import LinuxIO
import VXLAN

// Frames that come back from the TAP that they were written to. On the worker's thread.
//
//   into a TAP     what a bridge behind it would flood is remembered: groups, and addresses that are not known behind
//                  the TAP. Known unicast, which is the bulk, costs a comparison
//   from a TAP     a frame whose source was learned from a peer is looked for; so is every flooded one, and held when
//                  it comes again and again: through another segment of this host, or of a source that is not learned
//
// A frame of a peer's address arms the segment: what is known unicast is then remembered too, for a second, so that a
// TAP that gives everything back is found with the second frame.

/// An address that is behind a TAP, as of the last look, while no entry of the table changes.
struct LastDestination {
  var mac: UInt64 = 0
  var segment = -1
  /// `FDB.changeCount` before it was looked up.
  var changeCount: UInt64 = 0
}

// HOT
extension Engine {
  /// Bytes that are hashed; of those behind them the sum is.
  private static var hashedByteCount: Int { 128 }

  /// Remembers a frame that is to be written to a TAP, if it might come back. Answers whether it did.
  mutating func remember(
    _ frame: UnsafeMutablePointer<UInt8>, byteCount: Int, segment: Int, now: Instant
  ) -> Bool {
    guard mayBeFlooded(frame, segment: segment) || floods.loops.pointee.isArmed(segment: segment, now: now) else {
      return false
    }
    floods.loops.pointee.remember(
      Self.contentHash(frame, byteCount: byteCount, with: flowKey), segment: segment, now: now)
    return true
  }

  /// What the agent wrote into a TAP as if a station behind a peer had said it must not be taken for that station when
  /// it comes back.
  func rememberOwn(_ frame: UnsafeMutablePointer<UInt8>, byteCount: Int, segment: Int, now: Instant) {
    floods.loops.pointee.remember(
      Self.contentHash(frame, byteCount: byteCount, with: flowKey), segment: segment, now: now)
  }

  /// Whether a bridge behind the TAP would not know where a frame goes that we do not know either.
  @inline(__always)
  private mutating func mayBeFlooded(_ frame: UnsafeMutablePointer<UInt8>, segment: Int) -> Bool {
    if frame[0] & 1 != 0 { return true }
    let record = topology.records + segment
    let mac = UInt64(bigEndian: frame.native64(at: 0)) >> 16
    if mac == record.pointee.ownMAC.rawValue || !record.pointee.learns { return false }
    let changeCount = topology.tables[segment].changeCount()
    if mac == lastDestination.mac, segment == lastDestination.segment, changeCount == lastDestination.changeCount {
      return false
    }
    guard let remote = topology.tables[segment].remote(of: MACAddress(rawValue: mac)), remote.isLocal else {
      return true
    }
    lastDestination = LastDestination(mac: mac, segment: segment, changeCount: changeCount)
    return false
  }

  /// Whether a frame from a TAP was written to it within the last second, and its source was learned from a peer.
  /// - Parameter superframe: what the frame is, if it is one; it is known by its first segment.
  mutating func isReturned(
    _ frame: FrameBatch.Frame, _ superframe: Superframe?, ethernet: EthernetHeader, segment: Int,
    now: Instant
  ) -> Bool {
    // By number: the comparison of another module's type is a call.
    if ethernet.source.rawValue == lastLearned.mac.rawValue, segment == lastLearned.segment,
      lastLearned.remote.rawValue == 0, topology.tables[segment].changeCount() == lastLearned.changeCount
    {
      return false
    }
    guard topology.tables[segment].isLearnedAtPeer(ethernet.source) else { return false }
    return isFoundAgain(frame, superframe, ethernet: ethernet, segment: segment, now: now)
  }

  /// Whether a frame that is to be flooded goes round through this host again and again: from the TAP of one segment
  /// into that of another, or of a source that no table places.
  mutating func isCircling(
    _ frame: FrameBatch.Frame, _ superframe: Superframe?, ethernet: EthernetHeader, segment: Int,
    now: Instant
  ) -> Bool {
    guard floods.loops.pointee.mayCircle(now: now) else { return false }
    guard floods.loops.pointee.isCircling(contentHash(of: frame, superframe), now: now) else { return false }
    noteLoop(ethernet.source, segment: segment, now: now)
    return true
  }

  /// Of the bytes as they are on the wire: the start of the frame with a secret key, its length, and the sum of the
  /// rest. So two frames are taken for one that differ behind their start in the order of words only.
  @inline(__always)
  static func contentHash(_ frame: UnsafeMutablePointer<UInt8>, byteCount: Int, with key: KeyedHash) -> UInt64 {
    var state = KeyedHash.State(key)
    state.combine(UInt64(truncatingIfNeeded: byteCount))
    let wordCount = min(byteCount, hashedByteCount) &>> 3
    // SAFETY: `wordCount` whole words lie within the frame; what is left of it, the sum below takes.
    for word in 0..<wordCount { state.combine(frame.native64(at: word &<< 3)) }
    let offset = wordCount &<< 3
    if offset < byteCount { state.combine(cvxlan_sum(frame + offset, byteCount &- offset)) }
    return state.finish()
  }

  private mutating func contentHash(of frame: FrameBatch.Frame, _ superframe: Superframe?) -> UInt64 {
    guard superframe != nil else {
      return Self.contentHash(frame.start, byteCount: frame.byteCount, with: flowKey)
    }
    return firstSegmentHash(frame, superframe)
  }
}

// COLD: frames of addresses that are known at a peer.
extension Engine {
  @inline(never)
  private mutating func isFoundAgain(
    _ frame: FrameBatch.Frame, _ superframe: Superframe?, ethernet: EthernetHeader, segment: Int,
    now: Instant
  ) -> Bool {
    let hash = contentHash(of: frame, superframe)
    let isReturned = floods.loops.pointee.isReturned(hash, segment: segment, now: now)
    if isReturned { noteLoop(ethernet.source, segment: segment, now: now) }
    floods.loops.pointee.arm(segment: segment, now: now)
    return isReturned
  }

  @inline(never)
  private mutating func firstSegmentHash(_ frame: FrameBatch.Frame, _ superframe: Superframe?) -> UInt64 {
    guard let superframe else { return 0 }
    if !outgoing.hasRoom(forBytes: superframe.segmentByteCount, runs: 1) { flush() }
    // SAFETY: the room was asked for, and nothing is written there before the segment was hashed.
    let start = outgoing.nextStart
    let byteCount = superframe.write(0, of: frame.start, to: start)
    return Self.contentHash(start, byteCount: byteCount, with: flowKey)
  }

  @inline(never)
  private mutating func noteLoop(_ mac: MACAddress, segment: Int, now: Instant) {
    guard topology.flooding.claimLoopEvent(ofSegment: segment, now: now) else { return }
    topology.events.note(
      OverlayEvent(
        .loop, mac: mac, segment: segment, peer: topology.tables[segment].remote(of: mac)?.peerSlot, time: now))
  }

  /// There is something for the thread that tells of floods.
  @inline(never)
  mutating func noteFloodNews() {
    if topology.flooding.claimNews() { hasFloodNews = true }
  }

  /// Whether the thread that tells of floods is to be woken.
  mutating func takeFloodNews() -> Bool {
    defer { hasFloodNews = false }
    return hasFloodNews
  }
}
