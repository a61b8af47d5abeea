import LinuxIO

/// The captures that are under way of one worker. It is told of them between two batches.
///
/// *Threads.* The worker's.
package struct Captures: ~Copyable {
  /// At once.
  package static let countMax = 4

  // SAFETY: owned from `init` to `deinit`; initialised below `count`.
  private let taps: UnsafeMutablePointer<CaptureTap>
  private var rings: [CaptureRing] = []
  private(set) var count = 0
  /// Somebody captures frames, or datagrams.
  private(set) var wantsInner = false
  private(set) var wantsOuter = false
  /// Of the batch, as `CaptureRecord.time`.
  private(set) var time: UInt64 = 0
  /// The batch is of datagrams of the sealed port.
  private(set) var isSealedBatch = false
  private var pace = CapturePace()

  var isOn: Bool { count > 0 }

  init() {
    taps = .allocate(capacity: Self.countMax)
  }

  deinit {
    for index in 0..<count { taps[index].free() }
    taps.deallocate()
  }

  /// Begins a capture into a ring that no other has.
  mutating func add(_ ring: CaptureRing, _ filter: CaptureFilter) {
    precondition(count < Self.countMax)
    (taps + count).initialize(to: CaptureTap(filter, ring.makeWriter()))
    rings.append(ring)
    count += 1
    noteWants()
  }

  /// The capture into the ring is to have something else from now on.
  mutating func change(_ ring: CaptureRing, _ filter: CaptureFilter) {
    guard let index = rings.firstIndex(where: { $0 === ring }) else { return }
    taps[index].filter = filter
    noteWants()
  }

  /// Ends the capture into the ring; without one nothing happens.
  mutating func remove(_ ring: CaptureRing) {
    guard let index = rings.firstIndex(where: { $0 === ring }) else { return }
    taps[index].publish()
    taps[index].free()
    count -= 1
    taps[index] = taps[count]
    rings.swapAt(index, count)
    rings.removeLast()
    noteWants()
  }

  /// A batch begins.
  mutating func begin(now: UInt64, isSealed: Bool = false) {
    isSealedBatch = isSealed
    time = Clock.wallTime()
    pace.advance(to: now)
  }

  /// A batch has ended: readers may have what was kept of it.
  mutating func publish() {
    for index in 0..<count { taps[index].publish() }
  }

  /// Keeps a record for everybody who wants it.
  /// - Parameters:
  ///   - toOuter: for those who capture datagrams; else for those who capture frames.
  ///   - bytes: `byteCount` of them, as far as they are there.
  ///   - isPending: what becomes of it is known later in the batch; its memory ascends from record to record.
  ///   - isOfPeer: whether it is from, or to, a peer in a slot.
  mutating func keep(
    _ record: CaptureRecord, toOuter: Bool, _ bytes: UnsafeMutablePointer<UInt8>?, _ byteCount: Int,
    isPending: Bool = false, isOfPeer: (Int) -> Bool
  ) {
    // A copy, here and below: compiled for the thread sanitizer, both arguments are accesses to `self`.
    var pace = pace
    defer { self.pace = pace }
    for index in 0..<count where Self.wants(taps[index].filter, record, toOuter: toOuter, isOfPeer) {
      taps[index].keep(record, bytes, byteCount, isPending: isPending, pace: &pace)
    }
  }

  /// Keeps the record of a write into a TAP for those who capture frames, and marks what has ended for those who
  /// capture datagrams.
  mutating func keep(_ record: CaptureRecord, _ frames: borrowing OutgoingFrames, at index: Int) {
    let isOfPeer = { $0 == Int(record.peer) }
    var pace = pace
    defer { self.pace = pace }
    for number in 0..<count where Self.wants(taps[number].filter, record, toOuter: false, isOfPeer) {
      taps[number].keep(record, frames, at: index, pace: &pace)
    }
    guard wantsOuter, let reason = DropReason(rawValue: record.reason) else { return }
    for vector in frames.vectors(at: index).dropFirst() {
      // SAFETY: of the batch, or of a copy of it, which is found in no record.
      guard let base = vector.iov_base else { continue }
      mark(base.assumingMemoryBound(to: UInt8.self), reason, inOuter: true)
    }
  }

  /// What was kept of the memory at `start` in this batch has ended.
  /// - Parameter inOuter: as captured by those who capture datagrams; else by those who capture frames.
  mutating func mark(_ start: UnsafeMutablePointer<UInt8>, _ reason: DropReason, inOuter: Bool) {
    for index in 0..<count where taps[index].filter.wantsOuter == inOuter {
      taps[index].mark(start, reason.rawValue)
    }
  }

  private static func wants(
    _ filter: CaptureFilter, _ record: CaptureRecord, toOuter: Bool, _ isOfPeer: (Int) -> Bool
  ) -> Bool {
    guard filter.wantsOuter == toOuter, filter.wants(vni: record.vni) else { return false }
    return filter.peer.map(isOfPeer) ?? true
  }

  private mutating func noteWants() {
    wantsInner = (0..<count).contains { !taps[$0].filter.wantsOuter }
    wantsOuter = (0..<count).contains { taps[$0].filter.wantsOuter }
  }
}
