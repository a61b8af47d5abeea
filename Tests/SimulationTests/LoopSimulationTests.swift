import Dataplane
import TestKit
import Testing
import VXLAN

@Suite("Simulation of loops")
struct LoopSimulationTests {
  private static let guest = MACAddress.station(0x99)

  /// Every frame that an agent wrote to one of its TAPs comes out of the other, as a bridge between them floods it.
  private struct Bridges {
    private var seen: [[Int]]
    private let bridged: [Int]
    /// Frames that came out of a TAP, and so went into another.
    private(set) var carriedCount = 0

    init(_ network: SimulatedNetwork, at bridged: [Int]) {
      seen = network.agents.map { $0.taps.map { _ in 0 } }
      self.bridged = bridged
    }

    mutating func carry(_ network: SimulatedNetwork) -> Bool {
      let countBefore = carriedCount
      for agent in bridged {
        let taps = network.agents[agent].taps
        for (number, tap) in taps.enumerated() {
          let new = Array(tap.written[seen[agent][number]...])
          seen[agent][number] = tap.written.count
          carriedCount += new.count
          for (other, port) in taps.enumerated() where other != number || taps.count == 1 { port.waiting += new }
        }
      }
      return carriedCount > countBefore
    }
  }

  /// Runs the network with its bridges until nothing moves, or `stepMax`. Answers whether it came to rest.
  private func settle(_ network: SimulatedNetwork, _ bridges: inout Bridges, stepMax: Int = 3000) -> Bool {
    for _ in 0..<stepMax {
      let isMoving = network.step()
      if !bridges.carry(network), !isMoving { return true }
      network.advance(by: .microseconds(50))
    }
    return false
  }

  private func expectQuiet(_ network: SimulatedNetwork, seed: UInt64) {
    let datagrams = network.carried.joined().reduce(0, +)
    #expect(datagrams <= 1000, "\(datagrams) datagrams, seed \(seed)")
    for agent in network.agents {
      for direction in Direction.allCases { #expect(agent.snapshot().imbalance(direction) == 0) }
    }
  }

  private func loopDrops(_ network: SimulatedNetwork) -> UInt64 { network.agents.reduce(0) { $0 + $1.drops(.loop) } }

  @Test(
    "row 55: two segments bridged in two hosts, a frame into one or both: it is cut, rest within 1000 datagrams")
  func bridgedSegments() {
    var generator = SeededGenerator(seed: TestSeed.fixed("loops"))
    var loopedCount = 0
    for _ in 0..<200 {
      let seed = generator.next()
      print("loop: seed \(seed)")
      var chance = SeededGenerator(seed: seed)
      let network = SimulatedNetwork(agentCount: 3, vnis: [42, 43], seed: seed)
      network.weather.delayStepMax = Int.random(in: 1...4, using: &chance)
      network.weather.lossOneIn = chance.isOne(in: 2) ? 0 : 3
      let destination: MACAddress = chance.isOne(in: 3) ? .station(0x55) : .broadcast
      let sender = Int.random(in: 0..<3, using: &chance)
      for number in 0..<Int.random(in: 1...3, using: &chance) {
        let frame = Frames.ethernet(to: destination, from: Self.guest, payload: [UInt8(number), 7, 7])
        network.agents[sender].taps[0].waiting.append(frame)
        if sender < 2, chance.isOne(in: 2) { network.agents[sender].taps[1].waiting.append(frame) }
      }
      var bridges = Bridges(network, at: [0, 1])
      #expect(settle(network, &bridges), "it goes on for ever, seed \(seed)")
      expectQuiet(network, seed: seed)
      // Where the wires lose nothing the frame always goes round; else it may be lost before it has.
      if network.weather.lossOneIn == 0 {
        #expect(bridges.carriedCount > 0 && loopDrops(network) > 0, "there was no loop, seed \(seed)")
      }
      if loopDrops(network) > 0 { loopedCount += 1 }
    }
    print("loop: in \(loopedCount) of 200 runs a frame was dropped for it")
    #expect(loopedCount > 100)
  }

  @Test(
    "row 55: two TAPs give back what no table has learned, learning off or its table full",
    arguments: [true, false])
  func loopedUnlearned(learns: Bool) {
    let network = SimulatedNetwork(agentCount: 3, vnis: [42], seed: 8) { plan in
      plan.learns = learns
      plan.fdbLimit = 0
    }
    var bridges = Bridges(network, at: [0, 1])
    for number in 0..<4 as Range<UInt8> {
      network.agents[2].taps[0].waiting.append(
        Frames.ethernet(to: .broadcast, from: Self.guest, payload: [number]))
      #expect(settle(network, &bridges), "it goes on for ever")
    }
    expectQuiet(network, seed: 8)
    #expect(network.agents[0].drops(.loop) > 0)
  }

  @Test(
    "row 55: one TAP, or the TAPs of two hosts, give back everything, unicast too", arguments: [[1], [0, 1]])
  func loopedTAPs(looped: [Int]) {
    let network = SimulatedNetwork(agentCount: 3, vnis: [42], seed: 7)
    let here = SimulatedNetwork.mac(ofAgent: 0, vni: 42)
    let there = SimulatedNetwork.mac(ofAgent: 1, vni: 42)
    var bridges = Bridges(network, at: looped)
    for number in 0..<20 as Range<UInt8> {
      network.agents[0].taps[0].waiting += [
        Frames.ethernet(to: .broadcast, from: here, payload: [number]),
        Frames.ethernet(to: there, from: here, payload: [number]),
      ]
      network.agents[1].taps[0].waiting.append(Frames.ethernet(to: here, from: there, payload: [number]))
      #expect(settle(network, &bridges), "it goes on for ever")
    }
    expectQuiet(network, seed: 7)
    #expect(network.agents[1].drops(.loop) > 0)
  }
}
