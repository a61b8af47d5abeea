import Dataplane
import Forwarding
import TestKit
import Testing
import VXLAN

/// Segments and peers come, go and change while frames flow: two workers that adopt each generation at different times,
/// datagrams that are lost, doubled, late and of peers that have left.
///
/// Segment 0 with the peers 0 and 1 is never touched, and its wires lose nothing.
@Suite("Generations, simulated")
struct GenerationSimulationTests {
  private static let frameCount = 100_000
  private static let untouched = 0..<2

  /// What a frame says of itself.
  private struct Name: Hashable {
    let sender: Int
    let segment: Int
    let number: Int

    init(_ sender: Int, _ segment: Int, _ number: Int) {
      (self.sender, self.segment, self.number) = (sender, segment, number)
    }

    init(of frame: [UInt8]) {
      self.init(Int(frame[14]), Int(frame[15]), frame[16..<20].reduce(0) { $0 << 8 | Int($1) })
    }

    func frame(to destination: MACAddress) -> [UInt8] {
      let digits = withUnsafeBytes(of: UInt32(number).bigEndian) { Array($0) }
      return Frames.ethernet(
        to: destination, from: ChangingAgent.mac(of: sender, segment: segment),
        payload: [UInt8(sender), UInt8(segment)] + digits + [UInt8](repeating: 0, count: 40))
    }
  }

  private struct InFlight {
    var arrival: Int
    var worker: Int
    var isSealed: Bool
    var datagram: FakeDatagramPort.Received
  }

  /// The agent, its wires, and what is true at any time.
  private final class Run {
    let seed: UInt64
    let agent: ChangingAgent
    var wanted: ChangingAgent.Wanted
    var generator: SeededGenerator
    private(set) var number = 0
    private(set) var offered: [Direction: UInt64] = [.overlay: 0, .underlay: 0]
    private var stepNumber = 0
    private var inFlight: [InFlight] = []
    private var delivered: Set<Name> = []
    private var doubled: Set<Name> = []
    /// Of untouched flows: what must come, and how often it came, to each peer or to the TAP.
    private var due: [Name: Int] = [:]
    private var came: [Name: Int] = [:]
    private var totals: [UInt64] = []

    init() {
      seed = TestSeed.next("simulation of generations")
      generator = SeededGenerator(seed: seed)
      wanted = ChangingAgent.Wanted(segments: [0: [0, 1], 1: [0, 2, 3], 6: [0, 1, 4]], peers: [0, 1, 2, 3, 4])
      agent = ChangingAgent(wanted, hash: KeyedHash(key0: generator.next(), key1: generator.next()))
      // So that frames to untouched stations go one way.
      for peer in untouched { sendUntouched(from: peer) }
      for _ in 0..<40 { step() }
    }

    func random(_ range: Range<Int>) -> Int { Int.random(in: range, using: &generator) }

    private func next(_ sender: Int, _ segment: Int) -> Name {
      number += 1
      return Name(sender, segment, number)
    }

    // Traffic

    func sendAtRandom() {
      switch random(0..<10) {
      case 0: sendUntouched(from: random(untouched))
      case 1: sendUntouched(to: random(untouched))
      case 2..<6: sendFromTAP()
      default: sendFromPeer(random(0..<ChangingAgent.peerCount), segment: random(1..<ChangingAgent.segmentCount))
      }
    }

    private func sendUntouched(from peer: Int) {
      let name = next(peer, 0)
      due[name] = 1
      launch(name.frame(to: .broadcast), name, delayMax: 3)
    }

    private func sendUntouched(to peer: Int) {
      let isForAll = generator.isOne(in: 4)
      let name = next(ChangingAgent.local, 0)
      due[name] = isForAll ? untouched.count : 1
      offer(name, to: isForAll ? .broadcast : ChangingAgent.mac(of: peer, segment: 0), worker: random(0..<2))
    }

    private func sendFromTAP() {
      let worker = random(0..<2)
      guard let segment = agent.views[worker].segments.randomElement(using: &generator), segment != 0 else { return }
      let peer = random(0..<ChangingAgent.peerCount)
      offer(
        next(ChangingAgent.local, segment),
        to: generator.isOne(in: 6) ? .broadcast : ChangingAgent.mac(of: peer, segment: segment), worker: worker)
    }

    private func offer(_ name: Name, to destination: MACAddress, worker: Int) {
      guard let slot = agent.slot(ofSegment: name.segment, worker: worker) else { return }
      agent.workers[worker].taps[slot].waiting.append(name.frame(to: destination))
      offered[.overlay, default: 0] += 1
    }

    /// Whether or not the agent has the peer, or the segment.
    private func sendFromPeer(_ peer: Int, segment: Int) {
      let name = next(peer, segment)
      let destination: MACAddress =
        generator.isOne(in: 3) ? .broadcast : ChangingAgent.mac(of: ChangingAgent.local, segment: segment)
      if generator.isOne(in: 20) { return }
      if generator.isOne(in: 20) {
        doubled.insert(name)
        launch(name.frame(to: destination), name, delayMax: 30)
      }
      launch(name.frame(to: destination), name, delayMax: 30)
    }

    private func launch(_ frame: [UInt8], _ name: Name, delayMax: Int) {
      let isSealed = name.segment >= ChangingAgent.plainCount
      let payload =
        isSealed
        ? agent.seal(frame, peer: name.sender, segment: name.segment)
        : Frames.vxlan(vni: ChangingAgent.vni(name.segment), frame)
      inFlight.append(
        InFlight(
          arrival: stepNumber + random(1..<delayMax + 1), worker: random(0..<2), isSealed: isSealed,
          datagram: .init(payload, from: ChangingAgent.address(name.sender))))
    }

    // Time

    func step() {
      stepNumber += 1
      agent.advance(by: .milliseconds(20))
      for flight in inFlight where flight.arrival <= stepNumber {
        let worker = agent.workers[flight.worker]
        let sockets = flight.isSealed ? worker.sealedSockets : worker.sockets
        sockets.waiting.append(flight.datagram)
        offered[.underlay, default: 0] += 1
      }
      inFlight.removeAll { $0.arrival <= stepNumber }
      for worker in agent.workers {
        while worker.step() {}
        if stepNumber % 50 == 0 { worker.expireWaiting() }
      }
      check()
    }

    func finish() {
      while !inFlight.isEmpty { step() }
      #expect(due == came, "seed \(seed): \(due.count { came[$0.key] != $0.value }) untouched frames lost or doubled")
    }

    // What holds

    private func check() {
      for (number, worker) in agent.workers.enumerated() {
        checkDelivered(worker, agent.views[number])
        checkSent(worker, agent.views[number])
      }
      let sum = agent.workers[0].snapshot() + agent.workers[1].snapshot()
      var after: [UInt64] = []
      for direction in Direction.allCases {
        #expect(sum.imbalance(direction) == 0, "seed \(seed), step \(stepNumber)")
        #expect(sum.total(.framesIn, direction) == offered[direction], "seed \(seed), step \(stepNumber)")
        after += Counter.allCases.filter { $0 != .waiting }.map { sum.total($0, direction) }
        after += DropReason.allCases.map { sum.total($0, direction) }
      }
      #expect(zip(totals, after).allSatisfy { $0 <= $1 }, "seed \(seed), step \(stepNumber): a sum went back")
      totals = after
    }

    private func checkDelivered(_ worker: EngineBench, _ view: ChangingAgent.View) {
      for slot in view.segments.indices {
        for frame in worker.taps[slot].written {
          let name = Name(of: frame)
          let isRight =
            name.segment == view.segments[slot] && view.permitted[name.segment]?.contains(name.sender) == true
          #expect(isRight, "seed \(seed), step \(stepNumber): \(name) came out of segment \(view.segments[slot])")
          let isFirst = delivered.insert(name).inserted
          #expect(isFirst || doubled.contains(name), "seed \(seed), step \(stepNumber): \(name) came twice")
          if due[name] != nil { came[name, default: 0] += 1 }
        }
        worker.taps[slot].written.removeAll(keepingCapacity: true)
      }
    }

    private func checkSent(_ worker: EngineBench, _ view: ChangingAgent.View) {
      for datagram in worker.sockets.sent {
        let name = Name(of: Array(datagram.payload[8...]))
        let vni = datagram.payload[4..<7].reduce(0) { $0 << 8 | UInt32($1) }
        #expect(vni == ChangingAgent.vni(name.segment) && name.segment < ChangingAgent.plainCount)
        check(agent.destinations[datagram.peer] ?? -1, may: name.segment, view)
        if due[name] != nil { came[name, default: 0] += 1 }
      }
      for datagram in worker.sealedSockets.sent {
        let segment = Int(datagram.payload[6]) - Int(ChangingAgent.vni(0))
        let peer = (0..<ChangingAgent.peerCount).first {
          ChangingAgent.sealedEndpoint($0) == datagram.destination
        }
        #expect(segment >= ChangingAgent.plainCount)
        check(peer ?? -1, may: segment, view)
      }
      worker.sockets.sent.removeAll(keepingCapacity: true)
      worker.sealedSockets.sent.removeAll(keepingCapacity: true)
    }

    /// Until a change is settled frames may go where they went before; and where they will go, when a worker has
    /// learned already of a peer that the next one does not know yet.
    private func check(_ peer: Int, may segment: Int, _ view: ChangingAgent.View) {
      let views = [view, agent.unsettled, agent.coming]
      let isPermitted = views.contains { $0?.permitted[segment]?.contains(peer) == true }
      #expect(isPermitted, "seed \(seed), step \(stepNumber): peer \(peer) got a frame of segment \(segment)")
    }

    // Changes

    func change() {
      alter()
      let before = untouchedEntries()
      agent.change(to: wanted, sessions: Set(wanted.peers.sorted().filter { _ in !generator.isOne(in: 3) })) {
        for _ in 0..<self.random(0..<4) {
          for _ in 0..<self.random(0..<30) { self.sendAtRandom() }
          self.step()
        }
      }
      #expect(untouchedEntries() == before, "seed \(seed), step \(stepNumber)")
      checkForgotten()
      if generator.isOne(in: 2) { agent.startSession(with: random(0..<ChangingAgent.peerCount)) }
    }

    private func untouchedEntries() -> Set<String> {
      Set(agent.topology.withFDB(ofSegment: 0) { $0.entries() }.map { "\($0.mac) \($0.remote)" })
    }

    /// Nothing that is known points to somebody who has left.
    private func checkForgotten() {
      for slot in agent.topology.segments.indices {
        for entry in agent.topology.withFDB(ofSegment: slot, { $0.entries() }) {
          guard let peer = entry.remote.peerSlot else { continue }
          #expect(agent.topology.isPermitted(peer: peer, segment: slot), "seed \(seed), step \(stepNumber): \(entry)")
        }
      }
    }

    private func alter() {
      wanted.replacedPeers = []
      wanted.replacedSegments = []
      for _ in 0..<random(1..<4) {
        let (peer, segment) = (random(2..<ChangingAgent.peerCount), random(1..<ChangingAgent.segmentCount))
        switch random(0..<8) {
        case 0, 1: toggle(peer: peer)
        case 2, 3: toggle(segment: segment)
        case 4: if wanted.peers.contains(peer) { wanted.segments[segment]?.formSymmetricDifference([peer]) }
        case 5: wanted.replacedPeers.formUnion(wanted.peers.intersection([peer]))
        case 6: if wanted.segments[segment] != nil { wanted.replacedSegments.insert(segment) }
        default:
          wanted.fdbLimits[segment] = random(1..<20)
          wanted.silent.formSymmetricDifference([segment])
          wanted.entries[segment] = Array(wanted.peers.sorted().prefix(random(0..<4)))
        }
      }
    }

    private func toggle(peer: Int) {
      if wanted.peers.remove(peer) == nil {
        wanted.peers.insert(peer)
        for segment in wanted.segments.keys.sorted() where segment != 0 && generator.isOne(in: 2) {
          wanted.segments[segment]?.insert(peer)
        }
      } else {
        for segment in wanted.segments.keys { wanted.segments[segment]?.remove(peer) }
      }
    }

    private func toggle(segment: Int) {
      if wanted.segments.removeValue(forKey: segment) == nil {
        wanted.segments[segment] = Set(wanted.peers.sorted().filter { _ in !generator.isOne(in: 3) })
      }
    }
  }

  @Test("over many changes no frame of or to who has left passes, untouched flows lose none, and every sum is exact")
  func manyChanges() {
    let run = Run()
    var changeCount = 0
    while run.number < Self.frameCount {
      for _ in 0..<run.random(1..<8) {
        for _ in 0..<40 { run.sendAtRandom() }
        run.step()
      }
      run.change()
      changeCount += 1
    }
    run.finish()
    print("simulation of generations: \(run.number) frames, \(changeCount) changes")
  }
}
