import Dataplane
import Forwarding
import Sealing
import TestKit
import Testing
import VXLAN

@Suite("Sealed simulation")
struct SealedSimulationTests {
  private static let marker: [UInt8] = Array("clear text here!".utf8)
  private static var ciphers: [Cipher] { Cipher.allCases.filter(\.isAvailable) }

  /// A network, what was sent in it, and what is true of it at any time.
  private struct Run {
    let network: SealedNetwork
    let seed: UInt64
    var generator: SeededGenerator
    private var number = 0
    /// By receiver, what it may get.
    private var sent: [Set<[UInt8]>]
    /// By receiver, what it got.
    private(set) var delivered: [Set<[UInt8]>]
    /// How many frames would be delivered if none were lost.
    private(set) var expectedCount = 0
    /// By receiver and sender, when a frame of that station was last seen at the receiver's TAP.
    private var heard: [[Instant?]]
    /// For so long at least a station is known: less than the time after which the table forgets it.
    private static let memory = Duration.seconds(250)

    init(_ name: String, agentCount: Int, cipher: Cipher, workerCount: Int = 1) {
      seed = TestSeed.next("sealed simulation \(name)")
      network = SealedNetwork(agentCount: agentCount, cipher: cipher, workerCount: workerCount, seed: seed)
      network.marker = SealedSimulationTests.marker
      generator = SeededGenerator(seed: seed &+ 1)
      sent = Array(repeating: [], count: agentCount)
      delivered = sent
      heard = Array(repeating: Array(repeating: nil, count: agentCount), count: agentCount)
    }

    /// Whose TAP a frame may come out of: every other one while the sender's table may not know the station.
    private func receivers(from sender: Int, to receiver: Int?) -> [Int] {
      if let receiver, let last = heard[sender][receiver], network.now.since(last) < Self.memory { return [receiver] }
      return network.agents.indices.filter { $0 != sender }
    }

    /// Lets an agent's station send to another's; nil: to all. Answers the frame.
    @discardableResult
    mutating func send(from sender: Int, to receiver: Int?) -> [UInt8] {
      number += 1
      let vni = SealedNetwork.vni
      let frame = Frames.ethernet(
        to: receiver.map { SimulatedNetwork.mac(ofAgent: $0, vni: vni) } ?? .broadcast,
        from: SimulatedNetwork.mac(ofAgent: sender, vni: vni),
        payload: withUnsafeBytes(of: number.bigEndian) { Array($0) } + SealedSimulationTests.marker
          + [UInt8](repeating: UInt8(number & 0xFF), count: Int.random(in: 22...300, using: &generator)))
      let receivers = self.receivers(from: sender, to: receiver)
      for other in receivers { sent[other].insert(frame) }
      expectedCount += receivers.count
      let workers = network.agents[sender].workers
      workers[number % workers.count].taps[0].waiting.append(frame)
      return frame
    }

    mutating func sendAtRandom() {
      let sender = Int.random(in: 0..<network.agents.count, using: &generator)
      let receiver = generator.isOne(in: 4) ? nil : Int.random(in: 0..<network.agents.count, using: &generator)
      send(from: sender, to: receiver == sender ? nil : receiver)
    }

    /// What holds at any moment. What was delivered is taken from the TAPs.
    mutating func check(_ location: SourceLocation = #_sourceLocation) {
      for (index, agent) in network.agents.enumerated() {
        for worker in agent.workers {
          for frame in worker.taps[0].written {
            #expect(sent[index].contains(frame), "seed \(seed): never sent to this one", sourceLocation: location)
            heard[index][Int(frame[11]) - 1] = network.now
            #expect(delivered[index].insert(frame).inserted, "seed \(seed): twice", sourceLocation: location)
          }
          worker.taps[0].written.removeAll(keepingCapacity: true)
          #expect(worker.sockets.sent.isEmpty, "seed \(seed): in clear", sourceLocation: location)
        }
        let counters = agent.snapshot()
        for direction in Direction.allCases {
          #expect(counters.imbalance(direction) == 0, "seed \(seed), \(direction)", sourceLocation: location)
        }
      }
      #expect(network.clearCount == 0 && network.repeatedNonceCount == 0, "seed \(seed)", sourceLocation: location)
    }

    /// The numbers of the frames that were for all or for one of these agents, and did not get there.
    func missing(_ receivers: some Sequence<Int>) -> [String] {
      receivers.flatMap { receiver in
        let own = SimulatedNetwork.mac(ofAgent: receiver, vni: SealedNetwork.vni).octets
        return sent[receiver].subtracting(delivered[receiver]).filter { $0[0] == 0xFF || Array($0[..<6]) == own }
          .map { "\($0[20..<22].reduce(0) { $0 << 8 | Int($1) }) from \($0[11]) to \(receiver + 1)" }
      }
    }

    /// Drops by agent and reason.
    var drops: String {
      network.agents.enumerated().map { number, agent in
        let counters = agent.snapshot()
        return DropReason.allCases.map { ($0, counters.total($0, .overlay), counters.total($0, .underlay)) }
          .filter { $0.1 + $0.2 > 0 }.map { "\(number + 1): \($0.0.name) \($0.1)/\($0.2)" }.joined(separator: ", ")
      }.joined(separator: "; ")
    }
  }

  @Test(
    "row 15: at the start, frames before the first session wait, leave nothing in clear, and all arrive",
    arguments: ciphers)
  func start(cipher: Cipher) {
    for agentCount in 2...3 {
      var run = Run("start", agentCount: agentCount, cipher: cipher)
      for _ in 0..<20 { for agent in 0..<agentCount { run.send(from: agent, to: nil) } }
      run.check()
      run.network.run(for: .seconds(3))
      #expect(run.network.isUp)
      #expect(run.network.settle())
      run.check()
      #expect(
        run.missing(0..<agentCount).isEmpty, "seed \(run.seed): \(run.missing(0..<agentCount)), drops \(run.drops)")
    }
  }

  @Test(
    "rows 15, 17, 18, 19, 20, 21: bits flipped, replayed, reordered, doubled, reflected, of others, over rekeys",
    arguments: ciphers, [2, 3])
  func hostileWeather(cipher: Cipher, agentCount: Int) {
    var run = Run("hostile weather", agentCount: agentCount, cipher: cipher)
    run.network.weather.lossOneIn = 20
    run.network.weather.duplicateOneIn = 10
    run.network.weather.delayStepMax = 20
    run.network.attacks.flipOneIn = 10
    run.network.attacks.replayOneIn = 5
    run.network.attacks.redirectOneIn = 10
    run.network.attacks.otherVNIOneIn = 10
    for _ in 0..<800 {
      run.sendAtRandom()
      run.network.step(by: .milliseconds(500))
      run.check()
    }
    run.network.weather = SimulatedNetwork.Weather()
    run.network.attacks = SealedNetwork.Attacks()
    run.network.run(for: .seconds(1))
    run.check()
    let deliveredCount = run.delivered.reduce(0) { $0 + $1.count }
    print("hostile weather: \(deliveredCount) of \(run.expectedCount) copies delivered")
    #expect(run.network.forgedCount > 100 && deliveredCount * 100 > run.expectedCount * 85, "seed \(run.seed)")
    for agent in run.network.agents { #expect(agent.sealedPeers.count > 2 * (agentCount - 1), "rekeyed") }
    let drops = run.network.agents.map { $0.snapshot() }
    for reason in [DropReason.authentication, .replay, .unknownSession, .unknownVNI] {
      #expect(drops.reduce(0) { $0 + $1.total(reason, .underlay) } > 0, "seed \(run.seed): no \(reason)")
    }
  }

  @Test(
    "row 24: in steady traffic over several rekeys not one frame is lost, and none comes twice",
    arguments: [1, 3])
  func rekeys(workerCount: Int) {
    var run = Run("rekeys", agentCount: 3, cipher: Self.ciphers[0], workerCount: workerCount)
    run.network.run(for: .seconds(1))
    for _ in 0..<4000 {
      run.sendAtRandom()
      run.network.step(by: .milliseconds(100))
      run.check()
    }
    #expect(run.network.settle())
    run.check()
    #expect(run.missing(0..<3).isEmpty, "seed \(run.seed): \(run.missing(0..<3)), drops \(run.drops)")
    for agent in run.network.agents {
      #expect(agent.sealedPeers.count >= 2 * 3, "seed \(run.seed): three sessions with each peer")
      // On a long way the lower key may ask once more than needed, of each peer, and is answered when it has a session.
      let (counters, lateCount) = (agent.snapshot(), agent.snapshot().total(.handshake, .underlay))
      #expect(counters.drops(.overlay) == 0 && counters.drops(.underlay) == lateCount, "seed \(run.seed)")
      #expect(lateCount <= 2, "seed \(run.seed)")
    }
  }

  @Test("row 15: a peer is lost, its frames wait, none leaves in clear, and the others lose nothing")
  func lostPeer() {
    var run = Run("lost peer", agentCount: 3, cipher: Self.ciphers[0])
    run.network.run(for: .seconds(1))
    for agent in 0..<3 { run.send(from: agent, to: nil) }
    run.network.run(for: .seconds(1))
    run.network.isCutOff = [2]
    // Its sessions have ended after 180 s.
    for _ in 0..<400 {
      run.send(from: 0, to: 1)
      run.send(from: 1, to: 0)
      run.send(from: 1, to: 2)
      run.network.step(by: .milliseconds(500))
      run.check()
    }
    let counters = run.network.agents[1].snapshot()
    #expect(counters.total(.noSession, .overlay) > 0 && counters.total(.waiting, .overlay) > 0)
    #expect(run.network.agents[1].waiting.hasAny)
    #expect(run.network.settle())
    run.check()
    #expect(run.missing(0..<2).isEmpty, "seed \(run.seed): \(run.missing(0..<2)), drops \(run.drops)")
    run.network.isCutOff = []
    run.network.run(for: .seconds(12))
    #expect(run.network.isUp, "seed \(run.seed)")
    for _ in 0..<20 { run.send(from: 1, to: 2) }
    run.network.run(for: .seconds(1))
    run.check()
    #expect(run.network.agents[1].snapshot().total(.waiting, .overlay) == 0)
    #expect(
      !run.network.agents[1].waiting.hasAny && run.network.agents[2].snapshot().total(.framesOut, .underlay) >= 20)
  }

  @Test("what is counted as clear and as repeated is found, and what comes out of another TAP or twice")
  func judges() throws {
    var run = Run("judges", agentCount: 3, cipher: Self.ciphers[0])
    run.network.run(for: .seconds(1))
    for agent in 0..<3 { run.send(from: agent, to: nil) }
    run.network.run(for: .seconds(1))
    run.check()
    let taps = run.network.agents.map { $0.workers[0].taps[0] }
    let frame = run.send(from: 0, to: 1)
    run.network.run(for: .seconds(1))
    run.check()
    taps[2].written.append(frame)
    withKnownIssue {
      run.check()
    } matching: {
      $0.comments.contains { $0.rawValue.hasSuffix("never sent to this one") }
    }
    taps[1].written.append(frame)
    withKnownIssue {
      run.check()
    } matching: {
      $0.comments.contains { $0.rawValue.hasSuffix("twice") }
    }
    // The first bytes of every sealed frame, as if they were of one in clear; and one that leaves twice.
    run.network.marker = [0x0C, 0, 0, 0xFE]
    run.send(from: 0, to: 1)
    let agent = run.network.agents[0]
    _ = agent.step()
    let port = agent.workers[0].sealedSockets
    try #require(port.sent.count == 1)
    port.sent.append(port.sent[0])
    run.network.step()
    #expect(run.network.clearCount == 2 && run.network.repeatedNonceCount == 1)
    withKnownIssue { run.check() }
  }

  @Test("two workers for each agent: the lanes share keys, windows and what may wait")
  func workers() {
    var run = Run("workers", agentCount: 2, cipher: Self.ciphers[0], workerCount: 2)
    for _ in 0..<60 { run.send(from: 0, to: nil) }
    run.check()
    run.network.run(for: .seconds(2))
    for _ in 0..<200 {
      run.sendAtRandom()
      run.network.step()
    }
    #expect(run.network.settle())
    run.check()
    #expect(run.missing(0..<2).isEmpty, "seed \(run.seed): \(run.missing(0..<2)), drops \(run.drops)")
    for agent in run.network.agents {
      for worker in agent.workers { #expect(worker.snapshot().total(.framesOut, .underlay) > 0) }
    }
  }
}
