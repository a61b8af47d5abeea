import VXLAN

/// What the counters of a peer's keys tell about their use, sampled from time to time: nothing is counted for it on the
/// data path. Frames are what workers' lanes carried, the control thread's lane does not count as such.
struct TrafficMarks {
  /// Numbers that grow with use.
  struct Counters: Equatable {
    var sent: UInt64
    var received: UInt64
    var receivedControl: UInt64
  }

  private var last: Counters
  /// Since when frames came and none went; nil after one went.
  private(set) var unansweredSince: Instant?
  /// Since when frames went and nothing came; nil after something came.
  private(set) var silentSince: Instant?

  /// From now on.
  init(counting counters: Counters) {
    last = counters
  }

  /// Looks at the counters again.
  mutating func sample(_ counters: Counters, now: Instant) {
    let hasReceivedFrames = counters.received != last.received
    if hasReceivedFrames, unansweredSince == nil { unansweredSince = now }
    if counters.sent != last.sent {
      unansweredSince = nil
      if silentSince == nil { silentSince = now }
    }
    if hasReceivedFrames || counters.receivedControl != last.receivedControl { silentSince = nil }
    last = counters
  }

  /// Other keys are counted from now on.
  mutating func rebase(_ counters: Counters) { last = counters }

  /// A keepalive was sent.
  mutating func noteKeepalive() { unansweredSince = nil }

  /// The silence was acted upon; it begins anew with the next frame.
  mutating func noteSilenceHandled() { silentSince = nil }
}
