import LinuxIO
import Synchronization

/// The last events, numbered, for those who listen; bounded, so a listener that is too slow loses the oldest.
///
/// *Threads.* Any.
final class EventHistory: EventSource {
  /// Events that are kept: what a listener may miss while it is busy, half a second of a flood of new addresses. Three
  /// megabytes with those that are not moved out yet.
  static let eventCountMax = 4096
  /// In one answer.
  static let answerCountMax = 1024
  /// Whoever listens asks again within seconds.
  private static let listeningTime: UInt64 = 10_000_000_000

  private struct State {
    /// With their numbers, which have gaps where events were lost. Those before `first` are too old.
    var events: [(number: UInt64, report: EventReport)] = []
    var first = 0
    var next: UInt64 = 0
    /// Nanoseconds; nil: nobody ever asked.
    var lastAsked: UInt64?
  }

  private let state = Mutex(State())
  private let onListener: @Sendable () -> Void

  /// - Parameter onListener: called whenever somebody asks, on that thread; must not block.
  init(onListener: @escaping @Sendable () -> Void = {}) {
    self.onListener = onListener
  }

  /// Whether somebody asked lately.
  func hasListener(now: UInt64 = Clock.now()) -> Bool {
    state.withLock { state in state.lastAsked.map { now &- $0 < Self.listeningTime } ?? false }
  }

  /// Adds events, and counts those before them that found no place.
  func append(_ reports: [EventReport], lostCount: UInt64) {
    state.withLock { state in
      state.next &+= lostCount
      for report in reports {
        state.events.append((state.next, report))
        state.next &+= 1
      }
      state.first = max(state.first, state.events.count - Self.eventCountMax)
      // Moved once for as many as are kept, so that one event more costs little.
      guard state.first >= Self.eventCountMax else { return }
      state.events.removeFirst(state.first)
      state.first = 0
    }
  }

  func events(after: UInt64?) -> EventsReport {
    let now = Clock.now()
    defer { onListener() }
    return state.withLock { state in
      state.lastAsked = now
      guard let after, after < state.next else { return EventsReport(events: [], next: state.next, lost: 0) }
      let kept = state.events[state.first...].drop { $0.number < after }.prefix(Self.answerCountMax)
      guard let last = kept.last else {
        return EventsReport(events: [], next: state.next, lost: state.next - after)
      }
      let next = last.number + 1
      return EventsReport(events: kept.map(\.report), next: next, lost: next - after - UInt64(kept.count))
    }
  }
}
