import VXLAN

@testable import Sealing
@testable import TestKit

/// One end that probes, the path to its peer, and the peer that answers. The path swallows what is larger than it
/// takes, and some of the rest, without a word.
final class SimulatedPath {
  /// What the path takes, in bytes of an IP packet.
  var byteCountMax: Int
  /// In percent of packets, each way.
  var loss = 0
  var roundTrip = Duration.milliseconds(20)
  /// Whether frames flow.
  var hasTraffic = true
  /// Nothing passes.
  var isCut = false
  private(set) var now = Instant(nanoseconds: 1_000_000_000)
  var probing: PathProbing
  /// What counted, from when on.
  private(set) var told: [(at: Instant, pathMTU: Int)] = []
  private(set) var sent: [(at: Instant, probe: PathProbing.Probe)] = []
  private var answers: [(at: Instant, probe: PathProbing.Probe)] = []
  private var entropy: any Entropy
  private var generator: SeededGenerator
  private var frameCount: UInt64 = 0

  init(
    route: Int, takes byteCountMax: Int, family: AddressFamily = .ipv4, raiseInterval: Duration = .seconds(600),
    seed: UInt64
  ) {
    self.byteCountMax = byteCountMax
    entropy = SeededEntropy(seed: seed)
    generator = SeededGenerator(seed: seed &+ 1)
    probing = PathProbing(family: family, raiseInterval: raiseInterval)
    probing.setCeiling(route, startingAt: now)
  }

  var pathMTU: Int? { probing.pathMTU }

  /// Sent since `time` of a size that is asked for, not as a reference.
  func triesSince(_ time: Instant) -> Int {
    sent.count { $0.at >= time && $0.probe.byteCount != PathProbing.referenceByteCount }
  }

  /// Lets time pass as the thread of the sessions does, a little coarser. Ends before its time when `isDone`.
  /// - Returns: how long it took.
  @discardableResult
  func run(for duration: Duration, until isDone: (SimulatedPath) -> Bool = { _ in false }) -> Duration {
    let start = now
    while now < start + duration, !isDone(self) {
      step()
      now = now + .milliseconds(25)
    }
    return now.since(start)
  }

  func answer(_ probe: PathProbing.Probe) {
    probing.receiveAnswer(byteCount: probe.byteCount, token: probe.token, now: now, &entropy)
    note()
  }

  private func step() {
    if hasTraffic { frameCount += 1 }
    for (_, probe) in answers.filter({ $0.at <= now }) { answer(probe) }
    answers.removeAll { $0.at <= now }
    for probe in probing.advance(to: now, frameCount: frameCount, &entropy) {
      sent.append((now, probe))
      let isLost = (0..<2).contains { _ in Int.random(in: 0..<100, using: &generator) < loss }
      if probe.byteCount <= byteCountMax, !isCut, !isLost { answers.append((now + roundTrip, probe)) }
    }
    note()
  }

  private func note() {
    if let change = probing.takeChange() { told.append((now, change.pathMTU)) }
  }
}
