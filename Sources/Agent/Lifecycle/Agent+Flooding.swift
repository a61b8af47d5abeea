import Dataplane
import LinuxIO
import Logging
import VXLAN

/// Telling of storms, and asking who listens to groups. All of it belongs to the main thread.
extension Agent {
  /// Does what is due. Answers when it wants to be called again; nil: with news only.
  func followFlooding() -> Instant? {
    let now = Instant(nanoseconds: Clock.now())
    if let next = topology.flooding.nextQuestion(), next <= now { askForListeners(now: now) }
    return [topology.flooding.nextQuestion(), tellFloods(now: now)].compactMap { $0 }.min()
  }

  private func askForListeners(now: Instant) {
    for (segment, query) in topology.flooding.advance(now: now) {
      workers[0].post { engine in engine.send(query, segment: segment, now: now) }
    }
  }

  private func tellFloods(now: Instant) -> Instant? {
    guard floodWatch.isDue(hasNews: topology.flooding.hasNews, now: now) else { return floodWatch.next }
    // First: what comes while we look is news again.
    topology.flooding.beginLook()
    floodWatch.beginLook()
    for slot in topology.segments.indices { tellStorm(slot, now: now) }
    return floodWatch.next
  }

  private func tellStorm(_ slot: Int, now: Instant) {
    let total = topology.flooding.stormCount(ofSegment: slot)
    guard let count = floodWatch.storm(ofSegment: slot, total: total, now: now) else { return }
    let plan = topology.segments[slot]
    throttledLog.log(
      .warning, class: "storm", "a storm: of the frames that the TAP gives to be flooded some are dropped",
      metadata: ["vni": "\(plan.vni)", "storm-limit": "\(plan.stormLimit)", "dropped": "\(count)"])
  }
}
