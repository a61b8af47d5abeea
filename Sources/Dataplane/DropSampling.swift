import LinuxIO
import VXLAN

// What somebody who listens is told of frames that ended: some of them, chosen by the worker that dropped them.
//
// Of each reason and direction a worker tells of one frame in `interval`, so a flood of one reason hides no other, and
// counts those that it does not tell of. While nobody listens a batch costs one load, and a frame nothing: only one
// that ends looks at a flag of its own worker.

/// Which frames that end a worker tells of.
///
/// *Threads.* The worker's.
struct DropSampling {
  /// For one worker; several share what may be told.
  static let interval: UInt64 = 10_000_000

  /// Somebody listens, or captures.
  private(set) var isOn = false
  private let interval: UInt64
  /// Nanoseconds: the interval under way.
  private var until: UInt64 = 0
  /// One bit for each direction and reason: told of within the interval under way.
  private var toldOf: UInt64 = 0
  /// Frames of this batch that were not told of.
  private(set) var untoldCount = 0

  init(workerCount: Int) {
    precondition(DropReason.count <= 32, "each reason has two bits of `toldOf`")
    interval = Self.interval * UInt64(max(1, workerCount))
  }

  /// A batch begins.
  @inline(__always)
  mutating func begin(isOn: Bool) { self.isOn = isOn }

  /// `count` frames ended for one reason: whether to tell of one of them.
  mutating func tells(_ reason: DropReason, _ direction: Direction, count: Int, now: UInt64) -> Bool {
    if now >= until {
      until = now &+ interval
      toldOf = 0
    }
    let bit = UInt64(1) &<< (UInt64(reason.rawValue) &<< 1 | UInt64(truncatingIfNeeded: direction.rawValue))
    let isFirst = toldOf & bit == 0
    toldOf |= bit
    untoldCount &+= isFirst ? count &- 1 : count
    return isFirst
  }

  /// A batch has ended. Answers how many of its frames were not told of.
  mutating func takeUntold() -> Int {
    defer { untoldCount = 0 }
    return untoldCount
  }
}

// HOT
extension Engine {
  /// A frame from a TAP ends, before it had a way.
  @inline(__always)
  mutating func drop(_ frame: FrameBatch.Frame, _ reason: DropReason, count: Int = 1, segment: Int) {
    counters.drop(reason, count: count, .overlay, segment: segment)
    if drops.isOn { tell(reason, .overlay, count: count, segment: segment, frame: frame.start, frame.byteCount) }
  }

  /// A frame from a TAP ends that had a way.
  @inline(__always)
  mutating func drop(_ reason: DropReason, count: Int = 1, _ key: OutgoingRuns.Key) {
    counters.drop(reason, count: count, .overlay, segment: key.segment)
    if drops.isOn { tell(reason, .overlay, count: count, segment: key.segment, peer: key.peer) }
  }

  /// Frames of a run end: those from `first` on.
  @inline(__always)
  mutating func drop(_ run: OutgoingRuns.Run, from first: Int, _ reason: DropReason) {
    drop(reason, count: run.datagramCount &- first, run.key)
    if captures.isOn { captureEnd(run, from: first, reason) }
  }

  /// A batch begins.
  @inline(__always)
  mutating func beginDrops() { drops.begin(isOn: topology.events.wantsDrops || captures.isOn) }
}

// COLD
extension Engine {
  /// Somebody listens, and frames ended.
  /// - Parameters:
  ///   - segment: `Counters.noSegment` where the datagram names none that is known.
  ///   - peer: -1 where there is none.
  ///   - frame: `byteCount` bytes of the inner frame, as far as there is one.
  @inline(never)
  mutating func tell(
    _ reason: DropReason, _ direction: Direction, count: Int = 1, segment: Int, peer: Int = -1,
    frame: UnsafeMutablePointer<UInt8>? = nil, _ byteCount: Int = 0
  ) {
    if captures.isOn, direction == .overlay, let frame { captureEnd(frame, reason) }
    guard topology.events.wantsDrops else { return }
    guard drops.tells(reason, direction, count: count, now: batchTime.nanoseconds) else { return }
    var mac: MACAddress?
    if let frame {
      // SAFETY: the batch keeps the frame's bytes until it is filled again.
      mac = EthernetHeader(parsing: Span<UInt8>(_unsafeStart: frame, count: byteCount))?.source
    }
    topology.events.note(
      DroppedFrame(
        reason: reason, direction: direction, mac: mac, segment: segment < 0 ? nil : segment,
        peer: peer < 0 ? nil : peer, time: batchTime))
  }

  /// A batch has ended.
  mutating func endDrops() {
    guard drops.isOn else { return }
    topology.events.noteUntold(drops.takeUntold())
    captures.publish()
  }
}
