import LinuxIO
import TestKit
import Testing
import VXLAN

@testable import Dataplane

@Suite("Frames that come back")
struct LoopTests {
  private static let guest = MACAddress.station(9)
  private static let here = MACAddress.station(1)

  /// What a looped TAP gives back: everything that was written to it.
  private func giveBack(_ bench: EngineBench) -> [FakeDatagramPort.Sent] {
    defer { bench.taps[0].written.removeAll() }
    return bench.fromTAP(bench.taps[0].written)
  }

  private func whereIs(_ mac: MACAddress, _ bench: EngineBench) -> Int? {
    bench.entries().first { $0.mac == mac }?.remote.peerSlot
  }

  private static let flooded: [[UInt8]] = [
    Frames.ethernet(to: .broadcast, from: guest, payload: [1, 2, 3]),
    Frames.ethernet(to: MACAddress(rawValue: 0x0100_5E01_0203), from: guest, payload: Array(0..<250)),
    Frames.ethernet(to: .station(0x77), from: guest, payload: [UInt8](repeating: 5, count: 1400)),
    InnerFlow(isUDP: true).with { ($0.source, $0.destination) = (guest, .broadcast) }.frame([1, 2, 3]),
  ]

  @Test("a flooded frame of a peer that comes back from its TAP is dropped and not learned", arguments: flooded)
  func returned(frame: [UInt8]) {
    let bench = threePeers()
    bench.fromUnderlay([fromPeer(1, frame)])
    #expect(giveBack(bench).isEmpty)
    #expect(bench.drops(.loop) == 1 && whereIs(Self.guest, bench) == 1)
    let events = bench.topology.events.drain().events
    #expect(events.map(\.kind) == [.loop] && events.map(\.mac) == [Self.guest] && events.map(\.peer) == [1])
    expectBalance(bench)
  }

  /// What keeps the guest's address from being learned.
  enum Unlearned: CaseIterable {
    case withoutLearning, fullTable

    func bench() -> EngineBench {
      threePeers { plan in
        if self == .withoutLearning { plan.learns = false }
        if self == .fullTable { plan.fdbLimit = 0 }
      }
    }
  }

  @Test("an address that has moved between a peer and a TAP that gives back, until it was frozen, is looked for still")
  func frozen() {
    let bench = threePeers()
    for number in 0..<6 {
      let claim = Frames.ethernet(to: .station(1), from: Self.guest, payload: [UInt8(number)])
      if number % 2 == 0 { bench.fromUnderlay([fromPeer(1, claim)]) } else { bench.fromTAP([claim]) }
    }
    #expect(bench.entries().contains { $0.mac == Self.guest && $0.isFrozen })
    for frame in Self.flooded {
      bench.taps[0].written = []
      bench.fromUnderlay([fromPeer(1, frame)])
      #expect(giveBack(bench).isEmpty)
    }
    #expect(bench.drops(.loop) == UInt64(Self.flooded.count))
    expectBalance(bench)
  }

  @Test(
    "what was learned from no peer is no loop: its equal goes to all, 16 times in a second",
    arguments: Unlearned.allCases)
  func notLearned(why: Unlearned) {
    let bench = why.bench()
    bench.fromUnderlay([fromPeer(1, Self.flooded[0])])
    for round in 0..<40 {
      #expect(bench.fromTAP([Self.flooded[0]]).count == (round < 16 ? 3 : 0), "round \(round)")
    }
    #expect(bench.drops(.loop) == 24 && bench.topology.events.drain().events.map(\.mac) == [Self.guest])
    bench.now = bench.now + .milliseconds(1100)
    #expect(bench.fromTAP([Self.flooded[0]]).count == 3, "a second later it may again")
    expectBalance(bench)
  }

  @Test("after a second it is a frame like others: its address has moved")
  func later() {
    let bench = threePeers()
    bench.fromUnderlay([fromPeer(1, Self.flooded[0])])
    bench.now = bench.now + .milliseconds(1100)
    #expect(giveBack(bench).count == 3)
    #expect(bench.drops(.loop) == 0 && whereIs(Self.guest, bench) == nil)
  }

  @Test("an address that moves behind the TAP is learned with its first frame, which is another one")
  func moves() {
    let bench = threePeers()
    bench.fromUnderlay([fromPeer(1, Self.flooded[0])])
    #expect(bench.fromTAP([Frames.ethernet(to: .broadcast, from: Self.guest, payload: [9])]).count == 3)
    #expect(bench.drops(.loop) == 0 && bench.entries().first { $0.mac == Self.guest }?.remote.isLocal == true)
  }

  @Test("a frame from the TAP that a peer has sent too is no loop while its source is known behind the TAP")
  func localSource() {
    let bench = threePeers()
    bench.fromUnderlay([fromPeer(1, Self.flooded[0])])
    bench.fromTAP([Frames.ethernet(to: .broadcast, from: Self.guest, payload: [9])])
    #expect(bench.fromTAP([Self.flooded[0]]).count == 3 && bench.drops(.loop) == 0)
  }

  @Test("a static entry is asked first")
  func staticFirst() {
    let bench = threePeers { $0.staticEntries = [(Self.guest, 1)] }
    bench.fromUnderlay([fromPeer(1, Self.flooded[0])])
    #expect(giveBack(bench).isEmpty && bench.drops(.staticMove) == 1 && bench.drops(.loop) == 0)
  }

  @Test("a TAP that gives back known unicast too is found with the second frame")
  func knownUnicast() {
    let bench = threePeers()
    bench.fromTAP([Frames.ethernet(to: .broadcast, from: Self.here)])
    func frame(_ number: UInt8) -> [UInt8] { Frames.ethernet(to: Self.here, from: Self.guest, payload: [number]) }
    bench.fromUnderlay([fromPeer(1, frame(1))])
    #expect(giveBack(bench).count == 3, "the first is not remembered: it is what bulk looks like")
    for number in 2...9 as ClosedRange<UInt8> {
      bench.fromUnderlay([fromPeer(1, frame(number))])
      #expect(giveBack(bench).isEmpty)
      #expect(whereIs(Self.guest, bench) == 1)
    }
    #expect(bench.drops(.loop) == 8)
    expectBalance(bench)
  }

  @Test("frames that were joined on their way in are known when they come back, joined or one by one")
  func joined() {
    for comesBackJoined in [true, false] {
      let bench = SuperframeBench.merging()
      var flow = InnerFlow(isUDP: true)
      (flow.source, flow.destination) = (Self.guest, .broadcast)
      let segments = flow.segments(SuperframeBench.payload(5000), byteCount: 1000)
      var datagram = fromPeer(0, segments[0])
      datagram.payload = segments.flatMap { Frames.vxlan(vni: 42, $0) }
      datagram.datagramByteCount = Frames.vxlan(vni: 42, segments[0]).count
      bench.fromUnderlay([datagram])
      #expect(bench.taps[0].writeCount == 1 && bench.taps[0].written.count == 5)
      let superframe = flow.superframe(SuperframeBench.payload(5000), gsoByteCount: 1000)
      if comesBackJoined { bench.taps[0].offload = superframe.header }
      #expect(bench.fromTAP(comesBackJoined ? [superframe.frame] : segments).isEmpty)
      #expect(bench.drops(.loop) == 5)
      expectBalance(bench)
    }
  }

  @Test("what one worker wrote another knows")
  func otherWorker() {
    let bench = threePeers()
    let other = EngineBench(sharing: bench)
    bench.fromUnderlay([fromPeer(1, Self.flooded[0])])
    #expect(other.fromTAP(bench.taps[0].written).isEmpty && other.drops(.loop) == 1)
  }

  @Test("a thousand frames that come back are one event in a second")
  func events() {
    let bench = threePeers()
    for number in 0..<1000 {
      let frame = Frames.ethernet(to: .broadcast, from: Self.guest, payload: [UInt8(number >> 8), UInt8(number & 255)])
      bench.fromUnderlay([fromPeer(1, frame)])
      _ = giveBack(bench)
    }
    #expect(bench.drops(.loop) == 1000 && bench.topology.events.drain().events.map(\.mac) == [Self.guest])
  }
}

extension InnerFlow {
  /// A copy with something changed.
  func with(_ change: (inout InnerFlow) -> Void) -> InnerFlow {
    var copy = self
    change(&copy)
    return copy
  }
}
