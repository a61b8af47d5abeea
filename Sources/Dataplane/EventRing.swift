import Synchronization

/// Events of the overlay on their way from the workers to the main thread: a bounded ring, which counts what it has no
/// place for and never makes a worker wait for a reader.
///
/// A quarter of the places is kept for alarms, so that a flood of new addresses hides none.
///
/// *Threads.* Any thread notes, one drains. A lock is held for some nanoseconds: for what happens rarely, never for
/// every frame.
package final class EventRing: Sendable {
  /// What was noted between two looks.
  package struct News: Sendable {
    /// Oldest first.
    package let events: [OverlayEvent]
    /// Events that found no place.
    package let lostCount: UInt64
    /// Frames that ended, oldest first.
    package let drops: [DroppedFrame]
    /// How many more ended.
    package let untoldDropCount: UInt64
  }

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

  /// Goes by who listens, of whom `isThere` tells: to every event, or to drops. It is asked again once nobody is
  /// believed to, since `listen` may have come in between and must not be overwritten.
  package func follow(_ isThere: (_ toDrops: Bool) -> Bool) {
    if !isThere(false) { wantsAll = false }
    if !isThere(true) { wantsDrops = false }
    for toDrops in [false, true] where isThere(toDrops) { listen(toDrops: toDrops) }
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

  /// Takes what was noted since the last time. All at once, so that whatever comes next is the first again.
  package func drain() -> News {
    state.withLock { state in
      let news = News(
        events: state.events, lostCount: state.lostCount, drops: state.drops, untoldDropCount: state.untoldDropCount)
      state.events.removeAll(keepingCapacity: true)
      state.drops.removeAll(keepingCapacity: true)
      (state.lostCount, state.untoldDropCount) = (0, 0)
      return news
    }
  }
}
