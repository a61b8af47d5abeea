// HOT: every datagram that enters a sealed segment. No reference; one lock per run; an allocation only for a lane's
// first datagram.
import Synchronization
import VXLAN

/// An `OpeningKey` as the threads use it that receive: a few pointers, valid while the key lives.
///
/// 1. Pre-check: what the replay window refuses is not worth opening.
/// 2. Open in place, header authenticated with the frame. A failure is counted and changes nothing else.
/// 3. For the run as a whole, under the lane's lock: mark each counter as received, and refuse it the second time.
package struct Opener {
  /// What became of a datagram.
  package enum Verdict: UInt8, Sendable {
    /// Authentic and new: the frame lies behind the header.
    case opened
    /// Too short to hold a frame and a tag.
    case framing
    case replay
    case authentication
  }

  /// One datagram of a run, whose header was parsed and names this key.
  package struct Slot {
    // SAFETY: the receiver's buffer, `byteCount` bytes, which outlives the call.
    package var datagram: UnsafeMutableRawPointer
    package var byteCount: Int
    package var verdict: Verdict = .framing

    @inlinable
    package init(datagram: UnsafeMutableRawPointer, byteCount: Int) {
      self.datagram = datagram
      self.byteCount = byteCount
    }
  }

  /// What changes with each datagram, shared by all threads.
  struct State: ~Copyable {
    typealias Window = Atomic<UnsafeMutablePointer<Atomic<UInt64>>?>

    let failureCount = Atomic<UInt64>(0)
    let isProven = Atomic<Bool>(false)
    /// By lane; nil until the lane's first authentic datagram.
    let windows = UnsafeMutablePointer<Window>.allocate(capacity: SealingKey.laneCount)

    init() {
      for lane in 0..<SealingKey.laneCount { (windows + lane).initialize(to: Window(nil)) }
    }

    deinit {
      for lane in 0..<SealingKey.laneCount {
        if let storage = windows[lane].load(ordering: .acquiring) { ReplayWindow(storage: storage).deallocate() }
      }
      windows.deinitialize(count: SealingKey.laneCount)
      windows.deallocate()
    }
  }

  package let cipher: Cipher
  package let index: UInt32
  // SAFETY: both point into what the key owns.
  let preparedKey: UnsafeMutableRawPointer
  let state: UnsafeMutablePointer<State>

  /// Opens the datagrams in place and sets their verdicts. Slots of one lane lie together where it matters: each change
  /// of the lane takes a lock. The frame of an opened datagram has `byteCount - 16 - tag` bytes.
  package func open(_ run: UnsafeMutableBufferPointer<Slot>) {
    guard let slots = run.baseAddress else { return }
    var first = 0
    while first < run.count {
      let lane = Self.word(slots[first]).lane
      var end = first &+ 1
      while end < run.count, Self.word(slots[end]).lane == lane { end &+= 1 }
      open(slots + first, count: end &- first, lane: lane)
      first = end
    }
  }

  /// Opens one datagram in place.
  package func open(_ datagram: UnsafeMutableRawPointer, byteCount: Int) -> Verdict {
    var slot = Slot(datagram: datagram, byteCount: byteCount)
    withUnsafeMutablePointer(to: &slot) { open($0, count: 1, lane: Self.word($0.pointee).lane) }
    return slot.verdict
  }

  private func open(_ slots: UnsafeMutablePointer<Slot>, count: Int, lane: UInt8) {
    var window = state.pointee.windows[Int(lane)].load(ordering: .acquiring)
    var openedCount = 0
    for index in 0..<count {
      slots[index].verdict = openBody(slots[index], window)
      if case .opened = slots[index].verdict { openedCount &+= 1 }
    }
    guard openedCount > 0 else { return }
    if window == nil { window = makeWindow(lane) }
    guard let window else { return }
    settle(slots, count: count, ReplayWindow(storage: window))
  }

  /// Steps 1 and 2.
  @inline(__always)
  private func openBody(_ slot: Slot, _ window: UnsafeMutablePointer<Atomic<UInt64>>?) -> Verdict {
    let bodyByteCount = slot.byteCount &- SealedHeader.byteCount
    guard bodyByteCount > cipher.tagByteCount else { return .framing }
    let word = Self.word(slot)
    if let window, !ReplayWindow(storage: window).mayAccept(word.counter) { return .replay }
    let header = slot.datagram.assumingMemoryBound(to: UInt8.self)
    let body = header + SealedHeader.byteCount
    let isAuthentic = cipher.open(
      UnsafePointer(body), byteCount: bodyByteCount, to: body, additional: UnsafePointer(header),
      additionalByteCount: SealedHeader.byteCount, nonce: Nonce(word), preparedKey: preparedKey)
    guard isAuthentic else {
      state.pointee.failureCount.wrappingAdd(1, ordering: .relaxed)
      return .authentication
    }
    return .opened
  }

  /// Step 3.
  private func settle(_ slots: UnsafeMutablePointer<Slot>, count: Int, _ window: ReplayWindow) {
    window.lock()
    for index in 0..<count {
      guard case .opened = slots[index].verdict else { continue }
      if !window.accept(Self.word(slots[index]).counter) { slots[index].verdict = .replay }
    }
    window.unlock()
    if !state.pointee.isProven.load(ordering: .relaxed) { state.pointee.isProven.store(true, ordering: .releasing) }
  }

  // COLD: once in the life of a lane.
  @inline(never)
  private func makeWindow(_ lane: UInt8) -> UnsafeMutablePointer<Atomic<UInt64>>? {
    let fresh = ReplayWindow.allocate()
    let (isOurs, other) = state.pointee.windows[Int(lane)].compareExchange(
      expected: nil, desired: fresh.storage, ordering: .acquiringAndReleasing)
    if isOurs { return fresh.storage }
    fresh.deallocate()
    return other
  }

  @inline(__always)
  private static func word(_ slot: Slot) -> SealedHeader.Word {
    guard slot.byteCount >= SealedHeader.byteCount else { return SealedHeader.Word(rawValue: 0) }
    return SealedHeader.Word(
      rawValue: UInt64(bigEndian: slot.datagram.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
  }
}
