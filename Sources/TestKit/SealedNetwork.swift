import Dataplane
import Forwarding
import Sealing
import VXLAN

/// Several agents with one sealed segment on one underlay, in memory, on a clock of its own. The wires lose, double and
/// delay, and somebody on them flips bits, repeats, sends to others what was meant for one, and changes VNIs. The same
/// seed gives the same run, but for the order of what a dictionary holds.
package final class SealedNetwork {
  /// What somebody on the wires does, each as "one datagram in so many"; 0 = never.
  package struct Attacks: Sendable {
    /// A copy with a flipped bit arrives too.
    package var flipOneIn = 0
    /// A datagram of the past arrives too.
    package var replayOneIn = 0
    /// A copy arrives at another agent, or at its own sender.
    package var redirectOneIn = 0
    /// A copy with another VNI arrives too.
    package var otherVNIOneIn = 0

    package init() {}
  }

  private typealias InFlight = SimulatedNetwork.InFlight

  private static let recordedCountMax = 4096
  package static let vni: UInt32 = 42

  package let agents: [SealedAgent]
  package var weather = SimulatedNetwork.Weather()
  package var attacks = Attacks()
  /// Agents whose datagrams, both ways, are lost: a peer that is gone.
  package var isCutOff: Set<Int> = []
  /// Looked for in every datagram.
  package var marker: [UInt8] = []
  /// Datagrams in which the marker was found; frames and control messages whose nonce another had.
  package private(set) var clearCount = 0
  package private(set) var repeatedNonceCount = 0
  package private(set) var carriedCount = 0
  /// Datagrams that somebody on the wire made.
  package private(set) var forgedCount = 0
  package private(set) var now: Instant

  private var generator: SeededGenerator
  private var inFlight: [InFlight] = []
  private var recorded: [InFlight] = []
  /// By target: lane, index and counter of every frame and control message that was sent to it.
  private var nonces: [Set<UInt64>]
  private var stepNumber = 0
  private var sentCount = 0

  /// `agentCount` agents at 192.0.2.1 and on, each a peer of all others.
  package init(
    agentCount: Int, cipher: Cipher, workerCount: Int = 1, seed: UInt64, vnis: [UInt32] = [SealedNetwork.vni]
  ) {
    var generator = SeededGenerator(seed: seed)
    var entropy = SimulatedEntropy(seed: generator.next())
    let keys = (0..<agentCount).map { _ in PrivateKey(from: &entropy) }
    nonces = Array(repeating: [], count: agentCount)
    var agents: [SealedAgent] = []
    for agent in 0..<agentCount {
      let others = (0..<agentCount).filter { $0 != agent }
      let peers = others.map { other in
        PeerPlan(endpoint: Endpoint(address: SimulatedNetwork.address(ofAgent: other), udpPort: 4789))
      }
      let segments = vnis.map { vni in
        Self.segment(vni, ownMAC: SimulatedNetwork.mac(ofAgent: agent, vni: vni), peers: others.count, cipher: cipher)
      }
      var setup = SealedAgent.Setup(
        segments: segments, peers: peers, privateKey: keys[agent], peerKeys: others.map { keys[$0].publicKey },
        cipher: cipher, seed: generator.next())
      setup.workerCount = workerCount
      agents.append(SealedAgent(setup))
    }
    self.agents = agents
    self.generator = generator
    now = agents[0].now
  }

  /// A sealed segment that all peers have.
  package static func segment(_ vni: UInt32, ownMAC: MACAddress, peers: Int, cipher: Cipher) -> SegmentPlan {
    let overhead = Overhead(family: .ipv4, sealingTag: cipher.tagByteCount == 32 ? .bytes32 : .bytes16)
    var plan = SegmentPlan(vni: VNI(unchecked: vni), overlayMTU: 1500 - overhead.byteCount, ownMAC: ownMAC)
    plan.isSealed = true
    plan.overhead = overhead
    plan.peers = Array(0..<peers)
    return plan
  }

  package static func endpoint(ofAgent agent: Int) -> Endpoint {
    SealedAgent.endpoint(at: SimulatedNetwork.address(ofAgent: agent))
  }

  /// Whether every agent has sessions with all others.
  package var isUp: Bool {
    agents.allSatisfy { agent in (0..<(agents.count - 1)).allSatisfy { agent.hasSession(toPeer: $0) } }
  }

  /// Moves time on for all, then lets every agent work once, then what is due arrives. Answers whether anything is
  /// under way.
  @discardableResult
  package func step(by duration: Duration = .milliseconds(1)) -> Bool {
    stepNumber += 1
    now = now + duration
    var hasWorked = false
    for (index, agent) in agents.enumerated() {
      agent.advance(to: now)
      hasWorked = agent.step() || hasWorked
      for sent in agent.takeSent() { carry(sent, from: index) }
    }
    let due = inFlight.filter { $0.arrival <= stepNumber }.sorted { ($0.arrival, $0.order) < ($1.arrival, $1.order) }
    inFlight.removeAll { $0.arrival <= stepNumber }
    for flight in due {
      let workers = agents[flight.target].workers
      // Any worker must do: what the kernel steers by is nothing to rely on.
      workers[flight.order % workers.count].sealedSockets.waiting.append(flight.datagram)
    }
    return hasWorked || !due.isEmpty || !inFlight.isEmpty
  }

  /// Steps until nothing is under way.
  package func settle(stepMax: Int = 10_000) -> Bool {
    for _ in 0..<stepMax where !step() { return true }
    return false
  }

  /// Lets time pass in steps of `duration`.
  package func run(for whole: Duration, by duration: Duration = .milliseconds(20)) {
    let end = now + whole
    while now < end { step(by: duration) }
  }

  private func carry(_ sent: (bytes: [UInt8], to: Endpoint, sourcePort: UInt16), from sender: Int) {
    guard let target = agents.indices.first(where: { Self.endpoint(ofAgent: $0) == sent.to }) else { return }
    carriedCount += 1
    note(sent.bytes, target)
    guard !isCutOff.contains(sender), !isCutOff.contains(target) else { return }
    var datagram = FakeDatagramPort.Received(sent.bytes, from: SimulatedNetwork.address(ofAgent: sender))
    datagram.sourcePort = sent.sourcePort
    tamper(datagram, target: target)
    if isOne(in: weather.lossOneIn) { return }
    launch(datagram, to: target)
    if isOne(in: weather.duplicateOneIn) { launch(datagram, to: target) }
  }

  private func note(_ bytes: [UInt8], _ target: Int) {
    if !marker.isEmpty, bytes.contains(marker) { clearCount += 1 }
    guard let header = SealedHeader(parsing: bytes.span), header.kind != .handshake else { return }
    if !nonces[target].insert(header.word.rawValue).inserted { repeatedNonceCount += 1 }
  }

  /// What somebody on the wire adds.
  private func tamper(_ datagram: FakeDatagramPort.Received, target: Int) {
    if recorded.count < Self.recordedCountMax {
      recorded.append(InFlight(arrival: 0, order: 0, target: target, datagram: datagram))
    }
    if isOne(in: attacks.flipOneIn) {
      var copy = datagram
      let bit = Int.random(in: 0..<copy.payload.count * 8, using: &generator)
      copy.payload[bit / 8] ^= 1 << (bit % 8)
      forge(copy, to: target)
    }
    if isOne(in: attacks.replayOneIn), let old = recorded.randomElement(using: &generator) {
      forge(old.datagram, to: old.target)
    }
    if isOne(in: attacks.redirectOneIn) {
      let others = agents.indices.filter { $0 != target }
      if let other = others.randomElement(using: &generator) { forge(datagram, to: other) }
    }
    if isOne(in: attacks.otherVNIOneIn), datagram.payload.count > 7 {
      var copy = datagram
      copy.payload[6] ^= UInt8.random(in: 1...3, using: &generator)
      forge(copy, to: target)
    }
  }

  private func forge(_ datagram: FakeDatagramPort.Received, to target: Int) {
    forgedCount += 1
    launch(datagram, to: target)
  }

  private func launch(_ datagram: FakeDatagramPort.Received, to target: Int) {
    sentCount += 1
    let delay = Int.random(in: 1...max(1, weather.delayStepMax), using: &generator)
    inFlight.append(
      InFlight(arrival: stepNumber + delay - 1, order: sentCount, target: target, datagram: datagram))
  }

  private func isOne(in count: Int) -> Bool { count > 0 && generator.isOne(in: count) }
}
