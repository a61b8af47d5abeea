import Dataplane
import LinuxIO
import VXLAN

/// Frames that ended: from the workers to those who listen. All of it belongs to the main thread.
extension Agent {
  /// Passes on what the workers told of. Answers whether there was anything.
  func pass(drops: [DroppedFrame], untoldCount: UInt64, now: Instant) -> Bool {
    guard !drops.isEmpty || untoldCount > 0 else { return false }
    eventHistory.append(drops: drops.map { report(of: $0, now: now) }, untoldCount: untoldCount)
    return true
  }

  private func report(of drop: DroppedFrame, now: Instant) -> EventReport {
    var report = EventReport(
      time: LogTime.text(before: now.since(drop.time)), event: EventReport.drop, mac: drop.mac?.description,
      vni: drop.segment.flatMap { topology.segments.element(at: $0)?.vni.rawValue },
      peer: drop.peer.flatMap { generation.name(ofPeer: $0) })
    report.reason = drop.reason.name
    report.direction = "\(drop.direction)"
    return report
  }
}
