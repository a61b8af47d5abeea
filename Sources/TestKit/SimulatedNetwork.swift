import Dataplane
import Forwarding
import VXLAN

/// Several agents on one underlay, in memory, on a clock of its own: whole engines with fake ports, and wires that
/// lose, duplicate and reorder as a seed says. The same seed gives the same run.
package final class SimulatedNetwork {
  /// What the wires do, each as "one datagram in so many"; 0 = never.
  package struct Weather: Sendable {
    package var lossOneIn = 0
    package var duplicateOneIn = 0
    /// Datagrams arrive after 1...delayStepMax steps; above 1 they overtake each other.
    package var delayStepMax = 1

    package init() {}
  }

  struct InFlight {
    var arrival: Int
    var order: Int
    var target: Int
    var datagram: FakeDatagramPort.Received
  }

  package let agents: [EngineBench]
  package var weather = Weather()
  package private(set) var lostCount = 0
  package private(set) var duplicatedCount = 0
  /// Datagrams that were put on the wire, by sender and receiver.
  package private(set) var carried: [[Int]]

  private var generator: SeededGenerator
  private var inFlight: [InFlight] = []
  private var stepNumber = 0
  private var sentCount = 0

  /// `agentCount` agents at 192.0.2.1 and on, each a peer of all others, with one TAP for each VNI.
  package init(agentCount: Int, vnis: [UInt32], seed: UInt64, _ change: (inout SegmentPlan) -> Void = { _ in }) {
    generator = SeededGenerator(seed: seed)
    carried = Array(repeating: Array(repeating: 0, count: agentCount), count: agentCount)
    var agents: [EngineBench] = []
    for agent in 0..<agentCount {
      let segments = vnis.map { vni in
        var plan = SegmentPlan(
          vni: VNI(unchecked: vni), overlayMTU: 1450, ownMAC: Self.mac(ofAgent: agent, vni: vni))
        plan.peers = Array(0..<(agentCount - 1))
        change(&plan)
        return plan
      }
      let peers = (0..<agentCount).filter { $0 != agent }.map {
        PeerPlan(endpoint: Endpoint(address: Self.address(ofAgent: $0), udpPort: 4789))
      }
      let hash = KeyedHash(key0: generator.next(), key1: generator.next())
      agents.append(EngineBench(segments: segments, peers: peers, hash: hash))
    }
    self.agents = agents
  }

  package static func address(ofAgent agent: Int) -> IPAddress { IPAddress(ipv4: 0xC000_0201 + UInt32(agent)) }

  package static func mac(ofAgent agent: Int, vni: UInt32) -> MACAddress {
    MACAddress(rawValue: 0x0200_0000_0000 | UInt64(vni & 0xFFFF) << 16 | UInt64(agent + 1))
  }

  /// Moves time on for all agents.
  package func advance(by duration: Duration) {
    for agent in agents { agent.now = agent.now + duration }
  }

  /// One step of the world: every agent works once, then what is due arrives. Answers whether anything is left to do.
  @discardableResult
  package func step() -> Bool {
    stepNumber += 1
    var hasWorked = false
    for (index, agent) in agents.enumerated() {
      hasWorked = agent.step() || hasWorked
      for sent in agent.sockets.sent { carry(sent, from: index) }
      agent.sockets.sent.removeAll(keepingCapacity: true)
    }
    let due = inFlight.filter { $0.arrival <= stepNumber }.sorted { ($0.arrival, $0.order) < ($1.arrival, $1.order) }
    inFlight.removeAll { $0.arrival <= stepNumber }
    for flight in due { agents[flight.target].sockets.waiting.append(flight.datagram) }
    return hasWorked || !due.isEmpty || !inFlight.isEmpty
  }

  /// Steps until nothing is under way. A world that does not come to rest has a loop: that is a failure of the test.
  package func settle(stepMax: Int = 100_000) -> Bool {
    for _ in 0..<stepMax where !step() { return true }
    return false
  }

  private func carry(_ sent: FakeDatagramPort.Sent, from sender: Int) {
    let target = sent.peer < sender ? sent.peer : sent.peer + 1
    carried[sender][target] += 1
    if weather.lossOneIn > 0, generator.isOne(in: weather.lossOneIn) {
      lostCount += 1
      return
    }
    let isDuplicated = weather.duplicateOneIn > 0 && generator.isOne(in: weather.duplicateOneIn)
    if isDuplicated { duplicatedCount += 1 }
    for _ in 0..<(isDuplicated ? 2 : 1) {
      sentCount += 1
      let delay = Int.random(in: 1...max(1, weather.delayStepMax), using: &generator)
      inFlight.append(
        InFlight(
          arrival: stepNumber + delay - 1, order: sentCount, target: target,
          datagram: .init(
            sent.payload, from: Self.address(ofAgent: sender), trafficClass: sent.trafficClass)))
    }
  }
}
