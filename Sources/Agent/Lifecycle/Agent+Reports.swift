import Dataplane
import Forwarding
import Glibc
import LinuxIO
import VXLAN

extension Agent: ReportSource {
  package func statusReport() throws(ControlError) -> StatusReport {
    let now = Instant(nanoseconds: Clock.now())
    return StatusReport(
      pid: getpid(), uptimeSeconds: Int(now.since(startedAt).components.seconds),
      address: configuration.local.address.description, udpPort: configuration.local.udpPort, workers: workers.count,
      workerFrames: try? snapshots().map(\.counters).map {
        $0.total(.framesIn, .overlay) &+ $0.total(.framesIn, .underlay)
      },
      segments: topology.segments.count, peers: topology.peers.count, socket: configuration.control.socket,
      offload: offloadStates())
  }

  package func segmentReports(vni: VNI?) throws(ControlError) -> [SegmentReport] {
    let counters = try snapshot().counters
    return try slots(vni).map { slot in
      SegmentReport(
        vni: topology.segments[slot].vni.rawValue, tap: configuration.segments[slot].tap,
        mtu: overlayMTU(ofSegment: slot), sealed: false,
        fdbEntries: topology.withFDB(ofSegment: slot) { $0.entryCount() },
        rxFrames: counters.value(.framesOut, .underlay, segment: slot),
        txFrames: counters.value(.framesOut, .overlay, segment: slot))
    }
  }

  package func fdbReports(vni: VNI?) throws(ControlError) -> [FDBReport] {
    let now = Instant(nanoseconds: Clock.now()).seconds
    return try slots(vni).flatMap { slot in
      topology.withFDB(ofSegment: slot) { $0.entries() }
        .map { report(of: $0, slot: slot, now: now) }
        .sorted { $0.mac < $1.mac }
    }
  }

  package func peerReports() throws(ControlError) -> [PeerReport] {
    let counters = try snapshot().counters
    let now = Clock.now()
    return configuration.peers.enumerated().map { slot, peer in
      let traffic = counters.peers[slot]
      let silence = now > traffic.lastReceive ? (now - traffic.lastReceive) / 1_000_000_000 : 0
      return PeerReport(
        name: peer.name, address: peer.address.description, session: .none,
        pathMTU: topology.limits.pathMTU(ofPeer: slot),
        lastReceiveSeconds: traffic.lastReceive == 0 ? nil : Int(silence), rxBytes: traffic.receivedByteCount,
        txBytes: traffic.sentByteCount)
    }
  }

  package func statsReport() throws(ControlError) -> StatsReport {
    let (counters, overflowCount) = try snapshot()
    let tapDrops = netlink.withLock { netlink in
      devices.reduce(UInt64(0)) { $0 + $1.kernelDropCount(&netlink) }
    }
    return StatsReport(
      overlay: frameCounts(counters, .overlay, kernelDrops: tapDrops),
      underlay: frameCounts(counters, .underlay, kernelDrops: overflowCount), batches: batchReport(counters))
  }

  package func dropsReport() throws(ControlError) -> DropsReport {
    let counters = try snapshot().counters
    return DropsReport(
      DropReason.allCases.map { reason in
        (
          reason.name,
          reason.applies(to: .overlay) ? counters.total(reason, .overlay) : nil,
          reason.applies(to: .underlay) ? counters.total(reason, .underlay) : nil
        )
      })
  }

  /// What one worker counted, with what its socket lost.
  private typealias WorkerCounts = (counters: CounterSnapshot, overflowCount: UInt64)

  /// The sums over the workers.
  private func snapshot() throws(ControlError) -> WorkerCounts {
    let snapshots = try snapshots()
    return snapshots.dropFirst().reduce(snapshots[0]) { sum, each in
      (sum.counters + each.counters, sum.overflowCount &+ each.overflowCount)
    }
  }

  /// By worker, each made between two of its batches.
  private func snapshots() throws(ControlError) -> [WorkerCounts] {
    var all: [WorkerCounts] = []
    for (worker, underlay) in zip(workers, underlays) {
      let underlay = Unshared(value: underlay)
      let counts = worker.perform { engine in (engine.snapshot(), UInt64(underlay.value.overflowCount)) }
      guard let counts else { throw ControlError(.internal, "worker \(worker.number) does not answer") }
      all.append(counts)
    }
    return all
  }

  /// What belongs to the worker's thread and is only handed through to it.
  // SAFETY: the worker's thread is the one that looks at the value.
  private struct Unshared<Value>: @unchecked Sendable {
    let value: Value
  }

  private func slots(_ vni: VNI?) throws(ControlError) -> [Int] {
    guard let vni else { return Array(topology.segments.indices) }
    guard let slot = topology.segments.firstIndex(where: { $0.vni == vni }) else {
      throw ControlError(.unknownVNI, "no segment has VNI \(vni)")
    }
    return [slot]
  }

  private func report(of entry: FDBEntry, slot: Int, now: UInt32) -> FDBReport {
    let peer = entry.remote.peerSlot.map { configuration.peers[$0] }
    return FDBReport(
      mac: entry.mac.description, vni: topology.segments[slot].vni.rawValue, peer: peer?.name,
      address: peer?.address.description, state: entry.isStatic ? .static : .dynamic,
      ageSeconds: Int(max(0, Int32(bitPattern: now &- entry.stamp))))
  }

  private func frameCounts(
    _ counters: CounterSnapshot, _ direction: Direction, kernelDrops: UInt64
  ) -> FrameCounts {
    var counts = FrameCounts()
    counts.framesIn = counters.total(.framesIn, direction)
    counts.framesOut = counters.total(.framesOut, direction)
    counts.drops = counters.drops(direction)
    counts.consumed = counters.total(.consumed, direction)
    counts.waiting = counters.total(.waiting, direction)
    counts.generated = counters.total(.generated, direction)
    counts.floodCopies = counters.total(.floodCopies, direction)
    counts.floodCopyDrops = counters.total(.floodCopyDrops, direction)
    counts.kernelDrops = kernelDrops
    return counts
  }

  private func batchReport(_ counters: CounterSnapshot) -> BatchReport {
    var report = BatchReport()
    report.tapReads = counters.batches.tapReads
    report.framesRead = counters.total(.framesIn, .overlay)
    report.sends = counters.batches.sends
    report.datagramsSent = counters.batches.datagramsSent
    report.receives = counters.batches.receives
    report.datagramsReceived = counters.total(.framesIn, .underlay)
    report.tapWrites = counters.batches.tapWrites
    report.framesWritten = counters.total(.framesOut, .underlay)
    return report
  }

  /// Each offload by name. What differs between TAPs is named with the TAP.
  private func offloadStates() -> [String: String] {
    var states = [
      "udp-segmentation": underlays[0].senders.segmentation.text, "udp-receive-joining": underlays[0].joining.text,
    ]
    for (name, state) in [
      ("tap-read-superframes", { (tap: TAPDevice) in tap.offloads.reading.text }),
      ("tap-read-udp-superframes", { (tap: TAPDevice) in tap.offloads.readingUDP.text }),
      ("tap-write-superframes", { (tap: TAPDevice) in tap.offloads.writing.text }),
      ("tap-flow-steering", { (tap: TAPDevice) in tap.offloads.steering.text }),
    ] where name != "tap-flow-steering" || workers.count > 1 {
      let texts = devices.map { state($0.tap) }
      guard let first = texts.first else { continue }
      if texts.allSatisfy({ $0 == first }) {
        states[name] = first
      } else {
        for (device, text) in zip(devices, texts) { states["\(name) \(device.segment.tap)"] = text }
      }
    }
    return states
  }

  /// What the segment carries at this moment.
  private func overlayMTU(ofSegment slot: Int) -> Int {
    let segment = topology.segments[slot]
    return segment.overlayMTU + topology.limits.frameByteCountMax(ofSegment: slot) - segment.frameByteCountMax
  }
}
