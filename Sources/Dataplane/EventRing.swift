import Synchronization

/// Events of the overlay on their way from the workers to the main thread: a bounded ring, which counts what it has no
/// place for and never makes a worker wait for a reader.
///
/// A quarter of the places is kept for alarms, so that a flood of new addresses hides none.
///
/// *Threads.* Any thread notes, one drains. A lock is held for some nanoseconds: for what happens rarely, never for
/// every frame.
package final class EventRing: Sendable {
  private struct State: ~Copyable {
    var events: [OverlayEvent] = []
    var lostCount: UInt64 = 0
    var drops: [DroppedFrame] = []
    var untoldDropCount: UInt64 = 0
  }

  private let state = Mutex(State())
  private let isHeard = Atomic<Bool>(false)
  private let isHeardOfDrops = Atomic<Bool>(false)
  private let onNews: @Sendable () -> Void

  /// - Parameter onNews: called by the thread that notes the first event after a `drain`; must not block.
  package init(onNews: @escaping @Sendable () -> Void = {}) {
    self.onNews = onNews
    state.withLock { $0.events.reserveCapacity(Limits.waitingEventCountMax) }
  }

  /// Whether somebody listens to every event; else only alarms are noted.
  package var wantsAll: Bool {
    get { isHeard.load(ordering: .relaxed) }
    set { isHeard.store(newValue, ordering: .relaxed) }
  }

  /// Whether somebody listens to frames that end.
  package var wantsDrops: Bool {
    get { isHeardOfDrops.load(ordering: .relaxed) }
    set { isHeardOfDrops.store(newValue, ordering: .relaxed) }
  }

  /// Somebody listens from now on.
  package func listen(toDrops: Bool) {
    wantsAll = true
    if toDrops { wantsDrops = true }
  }

  // COLD
  /// Notes a frame that ended, or counts it where there are enough.
  @inline(never)
  func note(_ drop: DroppedFrame) {
    let isFirst = state.withLock { state -> Bool in
      guard state.drops.count < Limits.waitingDropCountMax else {
        state.untoldDropCount &+= 1
        return false
      }
      state.drops.append(drop)
      return state.drops.count == 1 && state.events.isEmpty
    }
    if isFirst { onNews() }
  }

  /// Counts frames that ended and are not told of one by one.
  func noteUntold(_ count: Int) {
    guard count > 0 else { return }
    state.withLock { $0.untoldDropCount &+= UInt64(count) }
  }

  /// Takes the frames that ended since the last time, and how many more there were.
  package func drainDrops() -> (drops: [DroppedFrame], untoldCount: UInt64) {
    state.withLock { state in
      let drained = (state.drops, state.untoldDropCount)
      state.drops.removeAll(keepingCapacity: true)
      state.untoldDropCount = 0
      return drained
    }
  }

  /// Notes an event, or counts it as lost when there is no place.
  @inline(never)
  package func note(_ event: OverlayEvent) {
    let isFirst = state.withLock { state -> Bool in
      let countMax = event.kind.isAlarm ? Limits.waitingEventCountMax : Limits.waitingEventCountMax * 3 / 4
      guard state.events.count < countMax else {
        state.lostCount &+= 1
        return false
      }
      state.events.append(event)
      return state.events.count == 1 && state.drops.isEmpty
    }
    if isFirst { onNews() }
  }

  /// Whether something was noted since the last time.
  package var hasEvents: Bool {
    state.withLock { !$0.events.isEmpty || !$0.drops.isEmpty }
  }

  /// Takes what was noted since the last time, oldest first, and how many events found no place.
  package func drain() -> (events: [OverlayEvent], lostCount: UInt64) {
    state.withLock { state in
      let drained = (state.events, state.lostCount)
      state.events.removeAll(keepingCapacity: true)
      state.lostCount = 0
      return drained
    }
  }
}
