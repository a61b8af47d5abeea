import Dataplane
import Forwarding
import Glibc
import LinuxIO
import Logging
import VXLAN

/// What happens to addresses: from the workers to those who listen, and alarms to the log. All of it belongs to the
/// main thread.
extension Agent {
  /// Between two looks, so that many events cost few wake-ups.
  private static let eventPause: Duration = .milliseconds(100)

  /// Passes on what the workers noted. Answers when it wants to be called again; nil: with the next event.
  func followEvents() -> Instant? {
    let now = Instant(nanoseconds: Clock.now())
    if let due = nextEventLook, now < due { return topology.events.hasEvents ? due : nil }
    let news = topology.events.drain()
    topology.events.follow { eventHistory.hasListener(toDrops: $0) }
    let hasDrops = pass(drops: news.drops, untoldCount: news.untoldDropCount, now: now)
    nextEventLook = news.events.isEmpty && !hasDrops ? nil : now + Self.eventPause
    guard !news.events.isEmpty || news.lostCount > 0 else { return nil }
    eventHistory.append(news.events.map { report(of: $0, now: now) }, lostCount: news.lostCount)
    for event in news.events {
      switch event.kind {
      case .flapping: tellFlapping(event)
      case .loop: tellLoop(event)
      case .learned, .moved, .aged: break
      }
    }
    return nil
  }

  /// Ages the entries of a segment, and tells those who listen.
  func age(segment slot: Int, now: Instant) {
    let ageingTime = topology.segments[slot].ageingTime
    // Not through the ring: that is the workers', and has no place for so many at once.
    var (aged, untoldCount) = ([EventReport](), UInt64(0))
    let tell: (FDBEntry) -> Void = { entry in
      guard aged.count < EventHistory.eventCountMax else { return untoldCount += 1 }
      let event = OverlayEvent(.aged, mac: entry.mac, segment: slot, peer: entry.remote.peerSlot, time: now)
      aged.append(self.report(of: event, now: now))
    }
    let agedCount = topology.withFDB(ofSegment: slot) {
      $0.age(now: now.seconds, ageingTime: ageingTime, onRemoval: topology.events.wantsAll ? tell : nil)
    }
    eventHistory.append(aged, lostCount: 0)
    eventHistory.append([], lostCount: untoldCount)
    let vni = topology.segments[slot].vni
    if agedCount > 0 { log.debug("aged", metadata: ["vni": "\(vni)", "entries": "\(agedCount)"]) }
  }

  private func report(of event: OverlayEvent, now: Instant) -> EventReport {
    EventReport(
      time: LogTime.text(before: now.since(event.time)), event: event.kind.rawValue, mac: event.mac.description,
      vni: topology.segments.element(at: event.segment)?.vni.rawValue,
      peer: event.peer.flatMap { generation.name(ofPeer: $0) })
  }

  private func tellFlapping(_ event: OverlayEvent) {
    guard let segment = topology.segments.element(at: event.segment) else { return }
    let peer = event.peer.flatMap { generation.name(ofPeer: $0) }
    throttledLog.log(
      .warning, class: "flapping", peer: peer,
      "an address moves again and again: its entry is frozen, frames to it are flooded",
      metadata: [
        "vni": "\(segment.vni)", "mac": "\(event.mac)", "last-at": "\(peer ?? "the own TAP")",
      ])
  }

  private func tellLoop(_ event: OverlayEvent) {
    guard let segment = topology.segments.element(at: event.segment) else { return }
    throttledLog.log(
      .warning, class: "loop", segment: segment.vni,
      "a loop: frames that were written to the TAP come back from it, and are dropped",
      metadata: ["mac": "\(event.mac)"])
  }
}

extension LogTime {
  /// As `now`, of a moment before.
  static func text(before duration: Duration) -> String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let milliseconds = time.tv_sec * 1000 + time.tv_nsec / 1_000_000 - Int(duration / .milliseconds(1))
    return text(seconds: milliseconds / 1000, milliseconds: milliseconds % 1000)
  }
}
