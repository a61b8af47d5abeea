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
  }

  private let state = Mutex(State())
  private let isHeard = Atomic<Bool>(false)
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

  // COLD
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
      return state.events.count == 1
    }
    if isFirst { onNews() }
  }

  /// Whether something was noted since the last time.
  package var hasEvents: Bool {
    state.withLock { !$0.events.isEmpty }
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
