import Dataplane
import LinuxIO

/// What can be captured. Called on threads of captures.
protocol CaptureSource: AnyObject, Sendable {
  /// How often something of what names stand for has changed.
  var captureChangeCount: Int { get }
  /// What is needed to understand records.
  func captureTerms(ringByteCount: Int) -> CaptureMessage.Accepted
  /// By slot.
  func capturePeers() -> [Int: String]
  /// Nil: no peer has the name or address.
  func filter(for request: CaptureRequest) -> CaptureFilter?
  /// Workers write into the rings, one for each, from now on. False: not all of them do.
  func beginCapture(into rings: [CaptureRing], _ filter: CaptureFilter) -> Bool
  func changeCapture(into rings: [CaptureRing], _ filter: CaptureFilter)
  /// No worker writes into the rings any more.
  func endCapture(into rings: [CaptureRing])
}

extension Agent: CaptureSource {
  var captureChangeCount: Int { access.withLock { _ in changeCount } }

  func captureTerms(ringByteCount: Int) -> CaptureMessage.Accepted {
    access.withLock { _ in
      CaptureMessage.Accepted(
        workerCount: workers.count, ringByteCount: ringByteCount, address: "\(underlays[0].local.address)",
        plainPort: underlays[0].local.udpPort, sealedPort: sealed?.underlays.first?.local.udpPort,
        sourcePorts: underlays[0].senders.sourcePorts,
        sealedSourcePorts: sealed?.underlays.first?.senders.sourcePorts ?? [])
    }
  }

  func capturePeers() -> [Int: String] {
    access.withLock { _ in
      Dictionary(uniqueKeysWithValues: generation.peers.indices.map { ($0, generation.peers[$0].name) })
    }
  }

  func filter(for request: CaptureRequest) -> CaptureFilter? {
    var filter = CaptureFilter(
      wantsOuter: request.wantsOuter, vni: request.vni, snapByteCount: max(0, request.snapByteCount))
    guard let wanted = request.peer else { return filter }
    let slot = access.withLock { _ in
      generation.slot(ofPeer: wanted)
        ?? generation.peers.indices.first { generation.peers[$0].address.description == wanted }
    }
    guard let slot else { return nil }
    filter.peer = slot
    return filter
  }

  func beginCapture(into rings: [CaptureRing], _ filter: CaptureFilter) -> Bool {
    let answers = zip(workers, rings).map { worker, ring in worker.ask { $0.beginCapture(into: ring, filter) } }
    let haveBegun = answers.map { $0.wait() != nil }
    return haveBegun.allSatisfy { $0 }
  }

  func changeCapture(into rings: [CaptureRing], _ filter: CaptureFilter) {
    for (worker, ring) in zip(workers, rings) { worker.post { $0.changeCapture(into: ring, filter) } }
  }

  func endCapture(into rings: [CaptureRing]) {
    let answers = zip(workers, rings).map { worker, ring in worker.ask { $0.endCapture(into: ring) } }
    // When another agent has everything the workers stand still for good.
    guard !hasSuccessor else { return }
    for answer in answers { _ = answer.wait() }
  }
}
