import VXLAN

/// Matches frames that two hosts captured, in the order of their times. Memory is bounded: `frameCountMax` frames of
/// different bytes are remembered, and those seen longest ago are judged by what was seen until then.
///
/// Frames of equal bytes are matched by number: each of one side stands for one of the other.
struct ComparisonWindow {
  static let frameCountMax = 1 << 18
  /// TCP connections of which frames were left over, in both directions.
  static let flowCountMax = 1 << 15

  private struct Seen {
    var hash: UInt64
    var flow: UInt64
    /// Of the first that was not matched, as the next one.
    var time: Int64
    var ordinal: UInt64
    var vni: VNI?
    var content: UInt64
    /// Not matched yet, all on `side`.
    var waitingCount: UInt32 = 0
    var side = ComparisonSide.a
    /// The way that the last matched one went.
    var direction: ComparisonCounts.Direction?
    /// Begun anew since its turn came last: one more of what had been matched.
    var isRecent = false
  }

  /// TCP data of one connection and direction that was left over, by side.
  private struct Rest {
    var contents: [UInt64] = [0, 0]
    var frameCounts: [UInt64] = [0, 0]
    var vni: VNI?
  }

  private(set) var counts: [ComparisonKey: ComparisonCounts] = [:]
  /// Frames that were judged before the end because there was no room for more.
  private(set) var judgedEarlyCount: UInt64 = 0
  private(set) var frameCounts: [UInt64] = [0, 0]
  private var line: [Seen] = []
  /// The place in `line` that is used next.
  private var next = 0
  private var places: [UInt64: Int32] = [:]
  private var rests: [UInt64: Rest] = [:]
  /// By direction and segment, the latest frame of the side it came from that was matched.
  private var lastOrdinals: [ComparisonKey: UInt64] = [:]
  private let capacity: Int
  private let segmentCountMax: Int
  /// When each side was captured, in nanoseconds.
  private let spans: [ClosedRange<Int64>]
  /// Frames that were not matched, of times at which the other side was not captured.
  private(set) var outsideCounts: [UInt64] = [0, 0]
  private var vnis: Set<VNI> = []
  /// Those that had no room in `vnis`: a bit for each number there is, 2 MB once there is one.
  private var furtherVNIs: [UInt64] = []

  /// - Parameter segmentCountMax: segments with counts of their own.
  init(
    spans: [ClosedRange<Int64>] = [.min ... .max, .min ... .max], capacity: Int = frameCountMax,
    segmentCountMax: Int = Limits.segmentCountMax
  ) {
    (self.spans, self.capacity, self.segmentCountMax) = (spans, capacity, segmentCountMax)
    line.reserveCapacity(capacity)
    places.reserveCapacity(capacity)
  }

  mutating func note(_ frame: ComparedFrame, _ side: ComparisonSide) {
    frameCounts[side.rawValue] += 1
    guard let place = places[frame.hash] else { return insert(frame, side) }
    let index = Int(place)
    if line[index].waitingCount > 0, line[index].side == side.other { return match(frame, side, index) }
    if line[index].waitingCount == 0 {
      line[index].isRecent = true
      (line[index].time, line[index].side) = (frame.time, side)
      line[index].ordinal = frameCounts[side.rawValue]
    }
    line[index].waitingCount += 1
  }

  private mutating func insert(_ frame: ComparedFrame, _ side: ComparisonSide) {
    let seen = Seen(
      hash: frame.hash, flow: frame.flow, time: frame.time, ordinal: frameCounts[side.rawValue], vni: frame.vni,
      content: frame.content, waitingCount: 1, side: side)
    if line.count < capacity {
      places[frame.hash] = Int32(line.count)
      return line.append(seen)
    }
    // What was seen again since its turn came last stays for one turn more.
    while line[next].isRecent {
      line[next].isRecent = false
      next = (next + 1) % capacity
    }
    judgedEarlyCount += 1
    places[line[next].hash] = nil
    judge(line[next])
    line[next] = seen
    places[frame.hash] = Int32(next)
    next = (next + 1) % capacity
  }

  private mutating func match(_ frame: ComparedFrame, _ side: ComparisonSide, _ index: Int) {
    let seen = line[index]
    let latency = frame.time.clampedDifference(from: seen.time)
    // The one that came later is where it went to; at one and the same time, the one that was read later.
    let from = latency >= 0 ? seen.side : side
    let key = self.key(of: frame.vni ?? seen.vni, ComparisonCounts.Direction(from: from))
    line[index].waitingCount -= 1
    line[index].direction = key.direction
    counts[key, default: ComparisonCounts()].matched += 1
    // Which of several equal ones it was, nobody can tell.
    guard seen.waitingCount == 1 else { return }
    counts[key, default: ComparisonCounts()].latency.note(Int64(clamping: latency.magnitude))
    let ordinal = from == side ? frameCounts[side.rawValue] : seen.ordinal
    if ordinal < lastOrdinals[key, default: 0] {
      counts[key, default: ComparisonCounts()].reordered += 1
    } else {
      lastOrdinals[key] = ordinal
    }
  }

  /// Nothing more is waited for.
  private mutating func judge(_ seen: Seen) {
    guard seen.waitingCount > 0 else { return }
    let count = UInt64(seen.waitingCount)
    guard spans[seen.side.other.rawValue].contains(seen.time) else {
      return outsideCounts[seen.side.rawValue] += count
    }
    guard seen.flow != 0, seen.direction == nil, rests[seen.flow] != nil || rests.count < Self.flowCountMax else {
      return noteMissing(count, seen.side, seen.vni, seen.direction)
    }
    let side = seen.side.rawValue
    rests[seen.flow, default: Rest(vni: seen.vni)].contents[side] &+= seen.content &* count
    rests[seen.flow]?.frameCounts[side] += count
  }

  /// - Parameter direction: the way of equal frames that were matched; nil: none was.
  private mutating func noteMissing(
    _ count: UInt64, _ side: ComparisonSide, _ vni: VNI?, _ direction: ComparisonCounts.Direction?
  ) {
    guard count > 0 else { return }
    let own = ComparisonCounts.Direction(from: side)
    let key = self.key(of: vni, direction ?? own)
    if key.direction == own {
      counts[key, default: ComparisonCounts()].lost += count
    } else {
      counts[key, default: ComparisonCounts()].duplicated += count
    }
  }

  /// Where a frame of a segment counts.
  private mutating func key(of vni: VNI?, _ direction: ComparisonCounts.Direction) -> ComparisonKey {
    guard let vni, !vnis.contains(vni) else { return ComparisonKey(vni: vni, direction: direction) }
    guard vnis.count == segmentCountMax else {
      vnis.insert(vni)
      return ComparisonKey(vni: vni, direction: direction)
    }
    if furtherVNIs.isEmpty { furtherVNIs = [UInt64](repeating: 0, count: (1 << 24) / UInt64.bitWidth) }
    furtherVNIs[Int(vni.rawValue) / UInt64.bitWidth] |= 1 << UInt64(Int(vni.rawValue) % UInt64.bitWidth)
    return ComparisonKey(vni: nil, direction: direction, isOfFurtherSegments: true)
  }

  /// Segments without counts of their own.
  var furtherSegmentCount: Int { furtherVNIs.reduce(0) { $0 + $1.nonzeroBitCount } }

  /// Both captures have ended.
  mutating func finish() {
    for seen in line { judge(seen) }
    line.removeAll()
    places.removeAll()
    for rest in rests.values { judge(rest) }
    rests.removeAll()
  }

  /// Where both hosts have the same bytes in other frames, one of them captured superframes.
  private mutating func judge(_ rest: Rest) {
    if rest.contents[0] == rest.contents[1] {
      let key = self.key(of: rest.vni, .aToB)
      counts[key, default: ComparisonCounts()].equalByBytes += max(rest.frameCounts[0], rest.frameCounts[1])
      return
    }
    noteMissing(rest.frameCounts[0], .a, rest.vni, nil)
    noteMissing(rest.frameCounts[1], .b, rest.vni, nil)
  }
}
