import Synchronization

@testable import Agent

/// Readings that the tests of metrics start from.
enum MetricsSamples {
  static func traffic(_ vni: UInt32?, _ direction: String, in framesIn: UInt64) -> MetricsReading.Traffic {
    var counts = FrameCounts()
    counts.framesIn = framesIn
    counts.drops = vni == nil ? framesIn : 3
    counts.waiting = direction == "overlay" && vni != nil ? 1 : 0
    counts.framesOut = framesIn - counts.drops - counts.waiting
    let reasons = direction == "overlay" ? ["short-frame", "storm-limit"] : ["unknown-vni", "replay"]
    return MetricsReading.Traffic(
      vni: vni, direction: direction, counts: counts, byteCountOut: counts.framesOut * 100,
      drops: [(reasons[0], counts.drops), (reasons[1], 0)])
  }

  static func segment(_ vni: UInt32) -> MetricsReading.Segment {
    MetricsReading.Segment(
      vni: vni, tap: "vx\(vni)", isTAPUp: true, dynamicEntryCount: 7, staticEntryCount: 2, fdbLimit: 100, moveCount: 3,
      agedCount: 4, flappingCount: 1, refusedCount: 0, neighborCount: 5, groupCount: 6, overlayMTU: 1450,
      fitsMTU: true)
  }

  static func peer(_ name: String, session: MetricsReading.Session? = nil) -> MetricsReading.Peer {
    MetricsReading.Peer(
      name: name, receivedByteCount: 10, sentByteCount: 20, lastReceive: nil, pathMTU: 1500, session: session)
  }

  /// Two peers, one with a session, and segments of these numbers.
  static func reading(_ vnis: [UInt32] = [42]) -> MetricsReading {
    let session = MetricsReading.Session(state: .up, keyAgeSeconds: 61, count: 2)
    var traffic = [Self.traffic(nil, "overlay", in: 0), Self.traffic(nil, "underlay", in: 5)]
    for vni in vnis { traffic += [Self.traffic(vni, "overlay", in: 50), Self.traffic(vni, "underlay", in: 30)] }
    var spoken = peer("b", session: session)
    spoken.lastReceive = 1_700_000_000.5
    return MetricsReading(
      isReady: true, workerCount: 2, stalledWorkers: [],
      counted: MetricsReading.Counted(
        traffic: traffic, workerFrames: [55, 30], batches: BatchReport(),
        kernelDrops: [("overlay", 1), ("underlay", 0)],
        peers: [spoken, peer("c")]),
      segments: vnis.map(segment), sessionCounts: [.up: 1, .handshake: 0, .none: 1], areSessionsStalled: false,
      handshakes: (accepted: 4, refused: 1),
      offloads: ["udp-segmentation": "on", "tap-write-superframes vx42": "refused: Invalid argument"],
      lostEventCount: 0, process: nil)
  }
}

/// An agent that tells what the test sets, and counts how often it is asked.
final class FixedMetrics: MetricsSource {
  let stalled = Mutex<[Int]>([])
  let broken = Mutex<[String]>([])
  let asked = Atomic<Int>(0)
  private let reading: MetricsReading

  init(_ reading: MetricsReading = MetricsSamples.reading()) { self.reading = reading }

  func metricsReading() -> MetricsReading {
    asked.add(1, ordering: .relaxed)
    var reading = reading
    reading.lostEventCount = UInt64(asked.load(ordering: .relaxed))
    return reading
  }

  func stalledWorkers() -> [Int] {
    asked.add(1, ordering: .relaxed)
    return stalled.withLock { $0 }
  }

  func brokenTAPs() -> [String] { broken.withLock { $0 } }
}
