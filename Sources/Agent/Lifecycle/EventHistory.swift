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
    /// Of those that never found a place.
    var lostCount: UInt64 = 0
    /// Nanoseconds; nil: nobody ever asked.
    var lastAsked: UInt64?
    var lastAskedForDrops: UInt64?
    /// Frames that ended while somebody listened, and that are no event.
    var untoldDropCount: UInt64 = 0
  }

  private let state = Mutex(State())
  private let onListener: @Sendable (_ wantsDrops: Bool) -> Void

  /// - Parameter onListener: called whenever somebody asks, on that thread; must not block.
  init(onListener: @escaping @Sendable (_ wantsDrops: Bool) -> Void = { _ in }) {
    self.onListener = onListener
  }

  /// Whether somebody asked lately.
  /// - Parameter toDrops: for frames that end too.
  func hasListener(toDrops: Bool = false, now: UInt64 = Clock.now()) -> Bool {
    state.withLock { state in
      let asked = toDrops ? state.lastAskedForDrops : state.lastAsked
      return asked.map { now &- $0 < Self.listeningTime } ?? false
    }
  }

  /// Adds some of the frames that ended, and counts the others.
  func append(drops: [EventReport], untoldCount: UInt64) {
    append(drops, lostCount: 0)
    state.withLock { $0.untoldDropCount &+= untoldCount }
  }

  /// Events that never found a place, since the start.
  var lostCount: UInt64 { state.withLock { $0.lostCount } }

  /// Adds events, and counts those before them that found no place.
  func append(_ reports: [EventReport], lostCount: UInt64) {
    state.withLock { state in
      state.next &+= lostCount
      state.lostCount &+= lostCount
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

  func events(after: UInt64?, withDrops: Bool) -> EventsReport {
    let now = Clock.now()
    defer { onListener(withDrops) }
    return state.withLock { state in
      state.lastAsked = now
      if withDrops { state.lastAskedForDrops = now }
      var report = Self.events(after: after, in: state)
      if withDrops {
        report.untoldDrops = state.untoldDropCount
      } else {
        report.events.removeAll { $0.event == EventReport.drop }
      }
      return report
    }
  }

  private static func events(after: UInt64?, in state: State) -> EventsReport {
    guard let asked = after else { return EventsReport(events: [], next: state.next, lost: 0) }
    // A number that is not given yet is of the agent before this one: all is new then.
    let after = asked <= state.next ? asked : 0
    guard after < state.next else { return EventsReport(events: [], next: state.next, lost: 0) }
    let kept = state.events[state.first...].drop { $0.number < after }.prefix(Self.answerCountMax)
    guard let last = kept.last else {
      return EventsReport(events: [], next: state.next, lost: state.next - after)
    }
    let next = last.number + 1
    return EventsReport(events: kept.map(\.report), next: next, lost: next - after - UInt64(kept.count))
  }
}
