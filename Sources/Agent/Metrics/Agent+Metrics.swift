import Dataplane
import Forwarding
import Glibc
import LinuxIO
import Sealing
import VXLAN

/// What the metrics listener tells. Made on its own thread, while nothing comes or goes; names and numbers are
/// looked up each time.
extension Agent: MetricsSource {
  /// Claims the listener that the configuration names; nil without.
  static func claimMetrics(
    _ configuration: Configuration, _ api: MetricsAPI
  ) throws(AgentError) -> MetricsServer? {
    guard let address = configuration.control.metrics else { return nil }
    do {
      return try MetricsServer.start(at: address) { api.answer($0) }
    } catch {
      throw AgentError(.failed, error.message)
    }
  }

  /// The same when the agent before this one has it still, and is about to end.
  func claimMetricsLate() {
    let deadline = Clock.now() + Self.metricsWait
    while true {
      do throws(AgentError) {
        return metrics = try Self.claimMetrics(configuration, metricsAPI)
      } catch {
        guard Clock.now() < deadline else {
          return log.error("there are no metrics", metadata: ["error": "\(error)"])
        }
        usleep(20_000)
      }
    }
  }

  /// Nanoseconds: longer than an agent takes to end.
  private static var metricsWait: UInt64 { 3_000_000_000 }

  func stalledWorkers() -> [Int] { Watchdog.Subject.stalled(workers.map(Watchdog.Subject.init)) }

  func brokenTAPs() -> [String] { access.withLock { _ in brokenDevices() } }

  func metricsReading() -> MetricsReading {
    // Outside: a worker that hangs is waited for.
    let stalled = stalledWorkers()
    return access.withLock { _ in reading(stalled) }
  }

  private func brokenDevices() -> [String] {
    let broken = Set(brokenSegments.segments)
    return topology.segments.indices.filter(broken.contains).map { slot in
      "the TAP \(devices[slot].segment.tap) of segment \(topology.segments[slot].vni) does not work; it is being mended"
    }
  }

  private func reading(_ stalled: [Int]) -> MetricsReading {
    let statuses = sessions?.statuses()
    let broken = Set(brokenSegments.segments).intersection(topology.segments.indices)
    return MetricsReading(
      isReady: broken.isEmpty, workerCount: workers.count, stalledWorkers: stalled,
      counted: stalled.isEmpty ? counted(statuses) : nil,
      segments: topology.segments.indices.map { segmentReading($0, isTAPUp: !broken.contains($0)) },
      sessionCounts: sessionCounts(statuses), areSessionsStalled: sessions == nil ? nil : statuses == nil,
      handshakes: sealed.map { ($0.counters.acceptedCount, $0.counters.refusedTotal) }, offloads: offloadStates(),
      lostEventCount: eventHistory.lostCount, process: .now(),
      leaks: sealed.map { _ in (topology.state.leaks.checkCount, topology.state.leaks.failureCount) })
  }

  /// Each peer with its slot.
  private var peersBySlot: [(slot: Int, name: String)] {
    zip(generation.peers.indices, generation.peers).map { ($0, $1.name) }
  }

  /// Nil when a worker stopped answering a moment ago.
  private func counted(_ statuses: [Int: SessionStatus]?) -> MetricsReading.Counted? {
    guard let snapshots = try? snapshots() else { return nil }
    let sum = snapshots.dropFirst().reduce(snapshots[0].counters) { $0 + $1.counters }
    let counters = withHandshakes(sum)
    return MetricsReading.Counted(
      traffic: Direction.allCases.flatMap { traffic(counters, $0) },
      workerFrames: snapshots.map { Self.frameCount($0.counters) }, batches: batchReport(counters),
      kernelDrops: [
        ("overlay", tapDropCount()), ("underlay", snapshots.reduce(0) { $0 &+ $1.overflowCount }),
      ],
      peers: peerReadings(counters, statuses))
  }

  /// Of each segment, and of none: what is counted where no segment is any more belongs to none.
  private func traffic(_ counters: CounterSnapshot, _ direction: Direction) -> [MetricsReading.Traffic] {
    let present = Set(topology.segments.indices)
    let none = counters.segments.filter { !present.contains($0) }
    let all = [(UInt32?.none, none)] + present.sorted().map { (topology.segments[$0].vni.rawValue, [$0]) }
    return all.map { vni, slots in
      let slots = slots.filter(counters.segments.contains)
      let drops = DropReason.allCases.filter { $0.applies(to: direction) }.map { reason in
        (reason: reason.name, count: slots.reduce(0) { $0 &+ counters.value(reason, direction, segment: $1) })
      }
      func count(_ counter: Counter) -> UInt64 {
        slots.reduce(0) { $0 &+ counters.value(counter, direction, segment: $1) }
      }
      return MetricsReading.Traffic(
        vni: vni, direction: direction.name,
        counts: frameCounts(drops: drops.reduce(0) { $0 &+ $1.count }, count), byteCountOut: count(.bytesOut),
        drops: drops)
    }
  }

  private func segmentReading(_ slot: Int, isTAPUp: Bool) -> MetricsReading.Segment {
    let plan = topology.segments[slot]
    return topology.withFDB(ofSegment: slot) { table in
      let (history, entries) = (table.history(), table.entryCounts())
      return MetricsReading.Segment(
        vni: plan.vni.rawValue, tap: devices[slot].segment.tap, isTAPUp: isTAPUp,
        dynamicEntryCount: entries.dynamic, staticEntryCount: entries.pinned,
        fdbLimit: plan.fdbLimit, moveCount: history.moveCount, agedCount: history.agedCount,
        flappingCount: history.freezeCount, refusedCount: history.refusedCount,
        neighborCount: topology.neighbors[slot].count(), groupCount: topology.flooding.groupCount(ofSegment: slot),
        overlayMTU: overlayMTU(ofSegment: slot), fitsMTU: !tightSegments.withLock { $0.contains(slot) })
    }
  }

  private func peerReadings(_ counters: CounterSnapshot, _ statuses: [Int: SessionStatus]?) -> [MetricsReading.Peer] {
    let (now, wall) = (Clock.now(), ProcessReading.wallClock())
    return peersBySlot.filter { counters.peers.indices.contains($0.slot) }.map { slot, name in
      let traffic = counters.peers[slot]
      let silence = now > traffic.lastReceive ? Double(now - traffic.lastReceive) / 1e9 : 0
      return MetricsReading.Peer(
        name: name, receivedByteCount: traffic.receivedByteCount, sentByteCount: traffic.sentByteCount,
        lastReceive: traffic.lastReceive == 0 ? nil : ((wall - silence) * 1000).rounded() / 1000,
        pathMTU: topology.limits.pathMTU(ofPeer: slot),
        session: statuses?[slot].map { status in
          MetricsReading.Session(
            state: PeerReport.Session(status.state), keyAgeSeconds: status.keyAge.map { Double($0.components.seconds) },
            count: status.handshakeCount)
        })
    }
  }

  private func sessionCounts(_ statuses: [Int: SessionStatus]?) -> [PeerReport.Session: Int] {
    guard sessions == nil || statuses != nil else { return [:] }
    var counts = Dictionary(uniqueKeysWithValues: PeerReport.Session.allCases.map { ($0, 0) })
    for (slot, _) in peersBySlot {
      counts[PeerReport.Session(statuses?[slot]?.state ?? .none), default: 0] += 1
    }
    return counts
  }

  private static func frameCount(_ counters: CounterSnapshot) -> UInt64 {
    counters.total(.framesIn, .overlay) &+ counters.total(.framesIn, .underlay)
  }
}

extension Direction {
  /// As in `vtep stats` and as a label.
  fileprivate var name: String {
    switch self {
    case .overlay: "overlay"
    case .underlay: "underlay"
    }
  }
}
