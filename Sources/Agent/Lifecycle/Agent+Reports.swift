import Dataplane
import Forwarding
import Glibc
import LinuxIO
import Sealing
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
      offload: offloadStates(), sealing: sealing.withLock { $0 }, keyLog: keyLog?.path)
  }

  package func segmentReports(vni: VNI?) throws(ControlError) -> [SegmentReport] {
    let counters = try snapshot().counters
    return try slots(vni).map { slot in
      let history = topology.withFDB(ofSegment: slot) { $0.history() }
      return SegmentReport(
        vni: topology.segments[slot].vni.rawValue, tap: generation.segments[slot].tap,
        mtu: overlayMTU(ofSegment: slot), sealed: topology.segments[slot].isSealed,
        fdbEntries: topology.withFDB(ofSegment: slot) { $0.entryCount() }, fdbMoves: history.moveCount,
        fdbFlapping: history.freezeCount, fdbRefused: history.refusedCount,
        neighbors: topology.neighbors[slot].count(),
        rxFrames: counters.value(.framesOut, .underlay, segment: slot),
        txFrames: counters.value(.framesOut, .overlay, segment: slot),
        rxBytes: counters.value(.bytesOut, .underlay, segment: slot),
        txBytes: counters.value(.bytesOut, .overlay, segment: slot))
    }
  }

  package func fdbPage(vni: VNI?, after cursor: FDBCursor?) throws(ControlError) -> FDBPage {
    let pager = FDBPager(topology: topology, slots: try slots(vni), countMax: ControlLimits.pageEntryCountMax)
    guard let page = pager.page(after: cursor) else {
      throw ControlError(.badQuery, "after names a segment that is not listed; take it from the last answer")
    }
    let now = Instant(nanoseconds: Clock.now()).seconds
    return FDBPage(entries: page.entries.map { report(of: $0.entry, slot: $0.slot, now: now) }, next: page.next)
  }

  package func peerReports() throws(ControlError) -> [PeerReport] {
    let counters = try snapshot().counters
    let sessions = try sessionStatuses()
    let now = Clock.now()
    return configuration.peers.compactMap { peer in
      guard let slot = generation.slot(ofPeer: peer.name), slot < counters.peers.count else { return nil }
      let traffic = counters.peers[slot]
      let silence = now > traffic.lastReceive ? (now - traffic.lastReceive) / 1_000_000_000 : 0
      let session = sessions[slot]
      return PeerReport(
        name: peer.name, address: peer.address.description,
        session: PeerReport.Session(session?.state ?? .none), cipher: session?.cipher?.configurationName,
        keyAgeSeconds: session?.keyAge.map { Int($0.components.seconds) }, endpoint: session?.endpoint.description,
        pathMTU: topology.limits.pathMTU(ofPeer: slot),
        pathMTUSource: session?.isPathProbed == true ? .probe : .route,
        lastReceiveSeconds: traffic.lastReceive == 0 ? nil : Int(silence), rxBytes: traffic.receivedByteCount,
        txBytes: traffic.sentByteCount)
    }
  }

  package func statsReport() throws(ControlError) -> StatsReport {
    let (workerCounters, overflowCount) = try snapshot()
    let counters = withHandshakes(workerCounters)
    return StatsReport(
      overlay: frameCounts(drops: counters.drops(.overlay), kernelDrops: tapDropCount()) {
        counters.total($0, .overlay)
      },
      underlay: frameCounts(drops: counters.drops(.underlay), kernelDrops: overflowCount) {
        counters.total($0, .underlay)
      }, batches: batchReport(counters))
  }

  /// Frames that the kernel dropped because the queue of a TAP was full.
  func tapDropCount() -> UInt64 {
    netlink.withLock { netlink in
      devices.reduce(formerTAPDropCount) { $0 &+ $1.kernelDropCount(&netlink) }
    }
  }

  package func dropsReport() throws(ControlError) -> DropsReport {
    let counters = withHandshakes(try snapshot().counters)
    return DropsReport(
      DropReason.allCases.map { reason in
        (
          reason.name,
          reason.applies(to: .overlay) ? counters.total(reason, .overlay) : nil,
          reason.applies(to: .underlay) ? counters.total(reason, .underlay) : nil
        )
      })
  }

  /// What fits through the tunnel to a peer, on each segment that it has: with the largest of their overheads.
  package func mtuReport(peer name: String) throws(ControlError) -> MTUReport {
    guard let slot = generation.slot(ofPeer: name) else {
      throw ControlError.unknown(peer: name)
    }
    let shared = topology.segments.filter { $0.peers.contains(slot) }.map(\.overhead)
    let plain = Overhead(family: configuration.local.address.family)
    let overhead = shared.max { $0.byteCount < $1.byteCount } ?? plain
    let pathMTU = topology.limits.pathMTU(ofPeer: slot)
    let source: PathSource = try sessionStatuses()[slot]?.isPathProbed == true ? .probe : .route
    guard let report = MTUReport(underlayMTU: pathMTU, overhead: overhead, peer: name, pathSource: source) else {
      throw ControlError(
        .pathTooSmall,
        "the path to \(name) takes \(pathMTU) bytes, and \(overhead.byteCount) bytes of headers leave no overlay MTU")
    }
    return report
  }

  func sessionStatuses() throws(ControlError) -> [Int: SessionStatus] {
    guard let sessions else { return [:] }
    guard let statuses = sessions.statuses() else {
      throw ControlError(.internal, "the sessions' thread does not answer")
    }
    return statuses
  }

  /// With the datagrams that workers only handed over.
  func withHandshakes(_ counters: CounterSnapshot) -> CounterSnapshot {
    sealed.map { $0.counters.added(to: counters) } ?? counters
  }

  /// What one worker counted, with what its sockets lost.
  typealias WorkerCounts = (counters: CounterSnapshot, overflowCount: UInt64)

  /// The sums over the workers.
  private func snapshot() throws(ControlError) -> WorkerCounts {
    let snapshots = try snapshots()
    return snapshots.dropFirst().reduce(snapshots[0]) { sum, each in
      (sum.counters + each.counters, sum.overflowCount &+ each.overflowCount)
    }
  }

  /// By worker, each made between two of its batches.
  func snapshots() throws(ControlError) -> [WorkerCounts] {
    // All are asked before the first answer is waited for.
    let answers = workers.enumerated().map { number, worker in
      let sockets = Unshared(value: [underlays[number], sealed?.underlays[number]].compactMap { $0 })
      return worker.ask { engine -> WorkerCounts in
        (engine.snapshot(), sockets.value.reduce(0) { $0 &+ UInt64($1.overflowCount) })
      }
    }
    var all: [WorkerCounts] = []
    for (worker, answer) in zip(workers, answers) {
      guard let counts = answer.wait() else {
        throw ControlError(.internal, "worker \(worker.number) does not answer")
      }
      all.append(counts)
    }
    return all
  }

  /// What belongs to the worker's thread and is only handed through to it.
  // SAFETY: the worker's thread is the one that looks at the value.
  private struct Unshared<Value>: @unchecked Sendable {
    let value: Value
  }

  func slots(_ vni: VNI?) throws(ControlError) -> [Int] {
    guard let vni else { return configuration.segments.compactMap { generation.slot(of: $0.vni) } }
    guard let slot = generation.slot(of: vni) else {
      throw ControlError.unknown(vni)
    }
    return [slot]
  }

  /// - Parameter count: of one direction.
  func frameCounts(drops: UInt64, kernelDrops: UInt64 = 0, _ count: (Counter) -> UInt64) -> FrameCounts {
    var counts = FrameCounts()
    counts.framesIn = count(.framesIn)
    counts.framesOut = count(.framesOut)
    counts.drops = drops
    counts.consumed = count(.consumed)
    counts.waiting = count(.waiting)
    counts.generated = count(.generated)
    counts.floodCopies = count(.floodCopies)
    counts.floodCopyDrops = count(.floodCopyDrops)
    counts.kernelDrops = kernelDrops
    return counts
  }

  func batchReport(_ counters: CounterSnapshot) -> BatchReport {
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
  func offloadStates() -> [String: String] {
    var states = [
      "udp-segmentation": underlays[0].senders.segmentation.text, "udp-receive-joining": underlays[0].joining.text,
    ]
    if workers.count > 1 {
      let groups = [underlays[0], sealed?.underlays[0]].compactMap { $0 }
      states["udp-flow-steering"] = (groups.first { !$0.steering.isOn } ?? groups[0]).steering.text
    }
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
  func overlayMTU(ofSegment slot: Int) -> Int {
    let segment = topology.segments[slot]
    return segment.overlayMTU + topology.limits.frameByteCountMax(ofSegment: slot) - segment.frameByteCountMax
  }
}
