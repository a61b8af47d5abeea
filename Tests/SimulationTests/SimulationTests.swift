import Dataplane
import Forwarding
import TestKit
import Testing
import VXLAN

@Suite("Simulation")
struct SimulationTests {
  /// A frame that names itself: sender, number, and who should get it.
  private func frame(from sender: Int, to receiver: Int?, vni: UInt32, number: Int) -> [UInt8] {
    Frames.ethernet(
      to: receiver.map { SimulatedNetwork.mac(ofAgent: $0, vni: vni) } ?? .broadcast,
      from: SimulatedNetwork.mac(ofAgent: sender, vni: vni),
      payload: withUnsafeBytes(of: number.bigEndian) { Array($0) } + [UInt8](repeating: UInt8(sender), count: 38))
  }

  private func expectBalance(_ network: SimulatedNetwork, _ location: SourceLocation = #_sourceLocation) {
    for agent in network.agents {
      let counters = agent.snapshot()
      for direction in Direction.allCases {
        #expect(counters.imbalance(direction) == 0, sourceLocation: location)
      }
    }
  }

  @Test("three agents on clear wires: every broadcast reaches the two others once, and nobody twice")
  func broadcastOnce() {
    let network = SimulatedNetwork(agentCount: 3, vnis: [42], seed: TestSeed.next("simulation of broadcast"))
    for number in 0..<300 {
      network.agents[number % 3].taps[0].waiting.append(frame(from: number % 3, to: nil, vni: 42, number: number))
    }
    #expect(network.settle())
    for (index, agent) in network.agents.enumerated() {
      let expected = (0..<300).filter { $0 % 3 != index }.map { frame(from: $0 % 3, to: nil, vni: 42, number: $0) }
      #expect(Set(agent.taps[0].written) == Set(expected))
      #expect(agent.taps[0].written.count == 200)
    }
    expectBalance(network)
  }

  @Test("after one broadcast from each, unicast crosses one wire only")
  func unicastAfterLearning() {
    let network = SimulatedNetwork(agentCount: 4, vnis: [42], seed: TestSeed.next("simulation of unicast"))
    for agent in 0..<4 { network.agents[agent].taps[0].waiting.append(frame(from: agent, to: nil, vni: 42, number: 0)) }
    #expect(network.settle())
    let before = network.carried
    for number in 1...100 { network.agents[0].taps[0].waiting.append(frame(from: 0, to: 2, vni: 42, number: number)) }
    #expect(network.settle())
    #expect(network.carried[0][2] - before[0][2] == 100)
    #expect(network.carried[0][1] == before[0][1])
    #expect(network.carried[0][3] == before[0][3])
    let expected = (1...100).map { frame(from: 0, to: 2, vni: 42, number: $0) }
    #expect(Array(network.agents[2].taps[0].written.suffix(100)) == expected)
  }

  @Test("a station that moves between hosts is followed; one that is silent is forgotten, also while it is talked to")
  func movesAndAges() {
    let network = SimulatedNetwork(agentCount: 3, vnis: [42], seed: TestSeed.next("simulation of moves")) {
      $0.ageingTime = .seconds(300)
    }
    let station = MACAddress.station(0x99)
    func say(from agent: Int) {
      network.agents[agent].taps[0].waiting.append(Frames.ethernet(to: .broadcast, from: station))
      #expect(network.settle())
    }
    func whereIs() -> Int? { network.agents[0].entries().first { $0.mac == station }?.remote.peerSlot }
    say(from: 1)
    #expect(whereIs() == 0)
    // Within a second the same frame from another host would be one that comes back.
    network.advance(by: .seconds(2))
    say(from: 2)
    #expect(whereIs() == 1)
    for _ in 0..<30 {
      network.advance(by: .seconds(11))
      network.agents[0].taps[0].waiting.append(
        Frames.ethernet(to: station, from: SimulatedNetwork.mac(ofAgent: 0, vni: 42)))
      #expect(network.settle())
      let agent = network.agents[0]
      _ = agent.topology.withFDB(ofSegment: 0) { $0.age(now: agent.now.seconds, ageingTime: .seconds(300)) }
    }
    #expect(whereIs() == nil)
    expectBalance(network)
  }

  @Test("segments never mix, whatever the weather: what is written to a TAP was sent on its VNI")
  func isolationInBadWeather() {
    let vnis: [UInt32] = [1, 4242, 16_777_215]
    let network = SimulatedNetwork(agentCount: 3, vnis: vnis, seed: TestSeed.next("simulation of isolation"))
    network.weather.lossOneIn = 10
    network.weather.duplicateOneIn = 10
    network.weather.delayStepMax = 20
    for number in 0..<900 {
      let segment = number % 3
      let sender = number / 3 % 3
      network.agents[sender].taps[segment].waiting.append(
        Frames.ethernet(
          to: number % 7 == 0 ? .broadcast : .station((sender + 1) % 3 + 1), from: .station(sender + 1),
          payload: [UInt8(segment)] + [UInt8](repeating: 0, count: 45)))
      if number % 10 == 0 { network.step() }
    }
    #expect(network.settle())
    for agent in network.agents {
      for (segment, tap) in agent.taps.enumerated() { #expect(tap.written.allSatisfy { $0[14] == UInt8(segment) }) }
    }
    expectBalance(network)
  }

  @Test("bad weather over many runs: nothing is made up, nothing is counted twice, every datagram is accounted for")
  func badWeather() {
    var generator = SeededGenerator(seed: TestSeed.next("simulation of weather"))
    for _ in 0..<20 {
      let agentCount = Int.random(in: 2...6, using: &generator)
      let network = SimulatedNetwork(agentCount: agentCount, vnis: [7], seed: generator.next())
      network.weather.lossOneIn = Int.random(in: 2...50, using: &generator)
      network.weather.duplicateOneIn = Int.random(in: 2...50, using: &generator)
      network.weather.delayStepMax = Int.random(in: 1...30, using: &generator)
      var sent: Set<[UInt8]> = []
      for number in 0..<500 {
        let sender = Int.random(in: 0..<agentCount, using: &generator)
        let receiver = generator.isOne(in: 5) ? nil : Int.random(in: 0..<agentCount, using: &generator)
        let frame = frame(from: sender, to: receiver, vni: 7, number: number)
        sent.insert(frame)
        network.agents[sender].taps[0].waiting.append(frame)
        if generator.isOne(in: 4) { network.step() }
      }
      #expect(network.settle())
      let datagrams = network.carried.joined().reduce(0, +)
      let received = network.agents.reduce(0) { $0 + Int($1.snapshot().total(.framesIn, .underlay)) }
      #expect(received == datagrams - network.lostCount + network.duplicatedCount)
      for agent in network.agents { #expect(agent.taps[0].written.allSatisfy(sent.contains)) }
      expectBalance(network)
    }
  }

  @Test("the same seed gives the same run")
  func isRepeatable() {
    func run() -> [[[UInt8]]] {
      let network = SimulatedNetwork(agentCount: 3, vnis: [42], seed: 5)
      network.weather.lossOneIn = 3
      network.weather.delayStepMax = 9
      for number in 0..<100 {
        network.agents[number % 3].taps[0].waiting.append(frame(from: number % 3, to: nil, vni: 42, number: number))
      }
      #expect(network.settle())
      return network.agents.map { $0.taps[0].written }
    }
    #expect(run() == run())
  }
}
