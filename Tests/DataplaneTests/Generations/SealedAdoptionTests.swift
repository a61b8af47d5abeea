import Forwarding
import LinuxIO
import Sealing
import TestKit
import Testing
import VXLAN

@testable import Dataplane

/// What waits for sessions, and keys, while generations change. Slot 0 of the bench is VNI 42, sealed.
@Suite("Adoption of sealed segments")
struct SealedAdoptionTests {
  private func expectNothingWaits(
    _ bench: SealedBench, dropped: UInt64, _ location: SourceLocation = #_sourceLocation
  ) {
    let counters = bench.near.engine.snapshot()
    #expect(counters.total(.waiting, .overlay) == 0, sourceLocation: location)
    #expect(counters.total(.noSession, .overlay) == dropped, sourceLocation: location)
    #expect(!bench.near.waiting.hasAny, sourceLocation: location)
    bench.expectBalance(location)
  }

  @Test("frames that wait for a peer that leaves end as no-session, and never reach who gets its slot")
  func peerLeaves() {
    let bench = SealedBench(hasSession: false, peerCount: 2)
    #expect(bench.seal(SealedBench.frames(5)).isEmpty)
    #expect(bench.near.engine.snapshot().total(.floodCopies, .overlay) == 0)
    let frames = SealedBench.frames(7)
    bench.near.engine.topology.withFDB(ofSegment: 0) {
      _ = $0.set(SealedBench.there, at: .peer(1), by: .command, now: 0)
    }
    #expect(bench.seal(frames).isEmpty && bench.near.engine.snapshot().total(.waiting, .overlay) == 7)
    bench.near.engine.change { segments, peers in
      for slot in segments.indices { segments[slot].peers = [0] }
      peers.vacate(1)
    }
    #expect(bench.near.engine.snapshot().total(.noSession, .overlay) == 7)
    bench.near.engine.change { segments, peers in
      peers[1] = PeerPlan(endpoint: Endpoint(address: SealedBench.address(7), udpPort: 4789))
      segments[0].peers = [0, 1]
    }
    bench.near.keyring.seal(with: bench.pair.keys[0].sealing, until: bench.end, toPeer: 1)
    bench.near.engine.sendWaiting()
    #expect(bench.takeSealed().isEmpty)
    bench.advance(by: .seconds(11))
    bench.near.engine.expireWaiting()
    expectNothingWaits(bench, dropped: 7)
  }

  @Test("what is known of a peer that has left and is not forgotten yet has nothing wait for it")
  func betweenAdoptionAndSettling() {
    let bench = SealedBench(hasSession: false, peerCount: 2)
    let engine = bench.near.engine
    engine.topology.withFDB(ofSegment: 0) { _ = $0.set(SealedBench.there, at: .peer(1), by: .command, now: 0) }
    let old = engine.topology
    var (segments, peers) = (old.segments, old.peers)
    for slot in segments.indices { segments[slot].peers = [0] }
    peers.vacate(1)
    let next = old.successor(segments: segments, peers: peers, now: engine.now)
    engine.adopt(next)
    #expect(bench.seal(SealedBench.frames(3)).isEmpty)
    expectNothingWaits(bench, dropped: 3)
    next.settle(after: old, now: engine.now)
  }

  @Test("frames that wait on a segment that leaves end, and are counted where those of no segment are")
  func segmentLeaves() {
    let bench = SealedBench(hasSession: false)
    _ = bench.seal(SealedBench.frames(4))
    bench.near.engine.topology.withFDB(ofSegment: 1) {
      _ = $0.set(SealedBench.there, at: .peer(0), by: .command, now: 0)
    }
    _ = bench.seal(SealedBench.frames(6), segment: 1)
    bench.near.engine.change { segments, _ in segments.vacate(1) }
    let counters = bench.near.engine.snapshot()
    #expect(counters.value(.noSession, .overlay, segment: Counters.noSegment) == 6)
    #expect(counters.value(.waiting, .overlay, segment: Counters.noSegment) == 0)
    #expect(counters.total(.framesIn, .overlay) == 10)
    bench.startSession()
    bench.near.engine.sendWaiting()
    // The flooded ones of the segment that stays were not lost.
    #expect(bench.open(bench.takeSealed().map(\.payload)) == SealedBench.frames(4))
    bench.expectBalance()
  }

  @Test("a datagram under a key of a peer that the generation has not, or not yet, is not-permitted")
  func keyOfNobody() {
    let bench = SealedBench()
    let sent = bench.seal(SealedBench.frames(2)).map(\.payload)
    bench.far.keyring.retire(index: bench.pair.keys[1].opening.index)
    for slot in [1, 3] {
      bench.far.keyring.accept(bench.pair.keys[1].opening, fromPeer: 0, until: bench.end)
      bench.far.engine.change { segments, peers in
        peers.vacate(0)
        peers[slot] = PeerPlan(endpoint: Endpoint(address: SealedBench.address(slot), udpPort: 4789))
        for segment in segments.indices { segments[segment].peers = [] }
      }
      #expect(bench.open([sent[slot / 2]]).isEmpty)
    }
    #expect(bench.farDrops(.notPermitted) == 2)
    bench.expectBalance()
  }

  @Test("an engine without sealed segments gets the sealed side with the first one, and seals from then on")
  func firstSealed() {
    let pair = SessionPair()
    let peer = PeerPlan(endpoint: Endpoint(address: SealedBench.address(0), udpPort: 4789))
    var plain = SegmentPlan(vni: VNI(unchecked: 44), overlayMTU: 1450, ownMAC: .station(0x77))
    plain.peers = [0]
    let engine = EngineBench(segments: [plain], peers: [peer])
    let keyring = Keyring(gracePeriod: engine.topology.gracePeriod)
    keyring.move(peer: 0, to: Endpoint(address: SealedBench.address(0), udpPort: 4790))
    keyring.seal(with: pair.keys[0].sealing, until: engine.now + .seconds(180), toPeer: 0)
    let side = SealedSide(
      port: engine.sealedSockets, keyring: keyring, inbox: SealedInbox {}, mac: HandshakeMAC(to: pair.publicKeys[0]),
      waiting: WaitingBudget(), lane: 3)
    var segments = engine.topology.segments
    segments[1] = SealedNetwork.segment(42, ownMAC: .station(0x78), peers: 1, cipher: .chacha20poly1305)
    let next = engine.topology.successor(segments: segments, peers: engine.topology.peers, now: engine.now)
    engine.adopt(next, sealed: side)
    #expect(engine.fromTAP(SealedBench.frames(2), segment: 1).isEmpty)
    let words = engine.sealedSockets.sent.compactMap { SealedHeader(parsing: $0.payload.span)?.word }
    #expect(words.map(\.lane) == [3, 3])
    #expect(engine.fromTAP(SealedBench.frames(2), segment: 0).count == 2)
    #expect(engine.snapshot().imbalance(.overlay) == 0)
  }
}
