import Glibc
import LinuxIO
import Sealing
import TestKit
import Testing
import VXLAN

@testable import Dataplane

@Suite("Sealed segments, outwards")
struct SealedEncapsulationTests {
  private static let marker = [UInt8](repeating: 0xA5, count: 16)

  private func isClear(_ sent: [FakeDatagramPort.Sent]) -> Bool {
    sent.contains { $0.payload.contains(Self.marker) || $0.payload.contains(SealedBench.here.octets) }
  }

  @Test(
    "a frame leaves sealed by the sealed port for the sealed endpoint, and the other side has it byte for byte",
    arguments: SealedBench.ciphers)
  func oneFrame(cipher: Cipher) {
    let bench = SealedBench(cipher: cipher)
    bench.learnThere()
    let frames = SealedBench.frames(3)
    let sent = bench.seal(frames)
    #expect(sent.count == 3 && !isClear(sent))
    for datagram in sent {
      #expect(datagram.destination == Endpoint(address: SealedBench.address(0), udpPort: 4790))
      #expect(datagram.payload.count == 110 + 16 + cipher.tagByteCount)
      #expect(SealedHeader(parsing: datagram.payload.span)?.vni.rawValue == 42)
    }
    #expect(bench.open(sent.map(\.payload)) == frames)
    bench.expectBalance()
  }

  @Test("frames of one flow and length leave as one run, one call for all, each with a counter of its own")
  func runs() {
    let bench = SealedBench()
    bench.learnThere()
    let before = bench.near.engine.sealedSockets.sendCount
    let sent = bench.seal(SealedBench.frames(60))
    #expect(bench.near.engine.sealedSockets.sendCount - before == 1)
    let words = sent.compactMap { SealedHeader(parsing: $0.payload.span)?.word }
    #expect(Set(words.map(\.rawValue)).count == 60 && words.allSatisfy { $0.lane == 0 })
    #expect(words.map(\.counter) == (0..<60).map { words[0].counter + $0 })
  }

  @Test("a superframe is cut, sealed and delivered as the kernel would cut it", arguments: SealedBench.ciphers)
  func superframe(cipher: Cipher) {
    let bench = SealedBench(cipher: cipher)
    bench.learnThere()
    for kind in InnerFlow.kinds {
      var flow = kind
      flow.source = SealedBench.here
      flow.destination = SealedBench.there
      let (frame, header) = flow.superframe([UInt8](repeating: 0xA5, count: 10_001), gsoByteCount: 1000)
      let sent = bench.seal([frame], offload: header)
      #expect(sent.count == 11 && !isClear(sent))
      #expect(bench.open(sent.map(\.payload)) == ReferenceSegmentation.frames(of: frame, header))
    }
    bench.expectBalance()
  }

  @Test("of a flooded frame each peer with a session gets bytes of its own, and the frame counts once")
  func flood() {
    let bench = SealedBench(peerCount: 3)
    let others = [SessionPair(seed: 8), SessionPair(seed: 9)]
    for (number, other) in others.enumerated() {
      bench.near.keyring.seal(with: other.keys[0].sealing, until: bench.end, toPeer: number + 1)
    }
    let frames = (0..<5).map { SealedBench.frame($0, to: .broadcast) }
    let sent = bench.seal(frames)
    #expect(sent.count == 15 && !isClear(sent) && Set(sent.map(\.payload)).count == 15)
    #expect(bench.open(sent.filter { $0.peer == 0 }.map(\.payload)) == frames)
    let counters = bench.near.engine.snapshot()
    #expect(counters.total(.framesOut, .overlay) == 5 && counters.total(.floodCopies, .overlay) == 15)
    #expect(counters.total(.waiting, .overlay) == 0 && counters.total(.floodCopyDrops, .overlay) == 0)
    bench.expectBalance()
  }

  @Test("without a session frames wait in clear at home and nothing leaves; with one they leave first, in order")
  func waits() {
    let bench = SealedBench(hasSession: false)
    let early = (0..<100).map { SealedBench.frame($0, to: .broadcast) }
    #expect(bench.seal(early).isEmpty && bench.waitingCount == 0)
    // Flooded frames that wait are sent as far as counters say; unicast ones are waiting.
    #expect(bench.near.engine.snapshot().total(.framesOut, .overlay) == 100)
    bench.near.engine.topology.withFDB(ofSegment: 0) {
      $0.setStatic(SealedBench.there, at: .peer(0), now: bench.near.engine.now.seconds)
    }
    let unicast = SealedBench.frames(28)
    #expect(bench.seal(unicast).isEmpty && bench.waitingCount == 28 && bench.near.waiting.hasAny)
    bench.expectBalance()
    bench.startSession()
    let late = SealedBench.frames(3)
    let sent = bench.seal(late)
    #expect(sent.count == 131 && !isClear(sent))
    #expect(bench.open(sent.map(\.payload)) == early + unicast + late)
    #expect(bench.waitingCount == 0 && !bench.near.waiting.hasAny)
    #expect(bench.near.engine.snapshot().total(.floodCopies, .overlay) == 100)
    bench.expectBalance()
  }

  @Test("what waits leaves when a key was published, without a new frame")
  func sendsWaiting() {
    let bench = SealedBench(hasSession: false)
    let frames = (0..<10).map { SealedBench.frame($0, to: .broadcast) }
    #expect(bench.seal(frames).isEmpty)
    bench.near.engine.sendWaiting()
    #expect(bench.takeSealed().isEmpty)
    bench.startSession()
    bench.near.engine.sendWaiting()
    #expect(bench.open(bench.takeSealed().map(\.payload)) == frames)
    bench.expectBalance()
  }

  @Test("128 frames wait for a peer, the others end as no-session; after 10 s all do, and not before")
  func bounds() {
    let bench = SealedBench(hasSession: false)
    bench.near.engine.topology.withFDB(ofSegment: 0) {
      $0.setStatic(SealedBench.there, at: .peer(0), now: bench.near.engine.now.seconds)
    }
    #expect(bench.seal(SealedBench.frames(200)).isEmpty)
    #expect(bench.waitingCount == 128 && bench.near.engine.drops(.noSession) == 72)
    bench.expectBalance()
    bench.advance(by: .milliseconds(9_999))
    bench.near.engine.expireWaiting()
    #expect(bench.waitingCount == 128)
    bench.advance(by: .milliseconds(1))
    bench.near.engine.expireWaiting()
    #expect(bench.waitingCount == 0 && bench.near.engine.drops(.noSession) == 200 && !bench.near.waiting.hasAny)
    bench.expectBalance()
    bench.startSession()
    bench.near.engine.sendWaiting()
    #expect(bench.takeSealed().isEmpty)
  }

  @Test("a flood with one session of three: one copy leaves, two wait; without room for any copy it is one drop")
  func partialFlood() {
    let bench = SealedBench(peerCount: 3)
    let frames = (0..<200).map { SealedBench.frame($0, to: .broadcast) }
    #expect(bench.seal(frames).count == 200)
    var counters = bench.near.engine.snapshot()
    #expect(counters.total(.framesOut, .overlay) == 200 && counters.total(.floodCopies, .overlay) == 200)
    #expect(counters.total(.floodCopyDrops, .overlay) == 2 * 72 && counters.total(.waiting, .overlay) == 0)
    bench.near.keyring.seal(with: nil, until: bench.end, toPeer: 0)
    #expect(bench.seal(frames).isEmpty)
    counters = bench.near.engine.snapshot()
    #expect(counters.total(.framesOut, .overlay) == 328 && counters.total(.noSession, .overlay) == 72)
    bench.expectBalance()
  }

  /// Gives the near end sessions with peers 1 up to `peerCount`.
  private func startOthers(_ bench: SealedBench, peerCount: Int) {
    for peer in 1..<peerCount {
      let other = SessionPair(seed: UInt64(7 + peer))
      bench.near.keyring.seal(with: other.keys[0].sealing, until: bench.end, toPeer: peer)
    }
  }

  @Test("a flood that fits no path, behind one of 60 KB whose copies to four peers take two sends, counts as its own")
  func floodBehindFlood() {
    let bench = SealedBench(peerCount: 4)
    startOthers(bench, peerCount: 4)
    for peer in 0..<4 { bench.near.engine.topology.limits.setPathMTU(1100, ofPeer: peer) }
    let frames = (0..<63).map { SealedBench.frame($0, byteCount: 950, to: .broadcast) }
    let long = SealedBench.frame(63, byteCount: 1400, to: .broadcast)
    #expect(bench.seal(frames + [long]).count == 4 * 63)
    let counters = bench.near.engine.snapshot()
    #expect(counters.total(.framesOut, .overlay) == 63 && counters.total(.tooBig, .overlay) == 1)
    #expect(counters.total(.floodCopies, .overlay) == 4 * 63 && counters.total(.floodCopyDrops, .overlay) == 4)
    bench.expectBalance()
  }

  @Test("a path that shrinks while a flooded frame is on its way takes no copy of it from the count")
  func shrinksMeanwhile() {
    let bench = SealedBench(peerCount: 2)
    // What was flooded before is sent between the judgement and the waiting.
    bench.near.engine.sealedSockets.willSend = { bench.near.engine.topology.limits.setPathMTU(1100, ofPeer: 1) }
    _ = bench.seal([SealedBench.frame(1, to: .broadcast), SealedBench.frame(2, byteCount: 1400, to: .broadcast)])
    bench.near.engine.sealedSockets.willSend = {}
    let counters = bench.near.engine.snapshot()
    #expect(counters.total(.floodCopies, .overlay) == 2 && counters.total(.floodCopyDrops, .overlay) == 0)
    // Both wait for peer 1; the longer one ends when it is sealed, and is counted.
    bench.near.keyring.seal(with: SessionPair(seed: 8).keys[0].sealing, until: bench.end, toPeer: 1)
    bench.near.engine.sendWaiting()
    let later = bench.near.engine.snapshot()
    #expect(later.total(.floodCopies, .overlay) == 3 && later.total(.floodCopyDrops, .overlay) == 1)
    bench.expectBalance()
  }

  @Test("of a flood with one copy without a session and others that no socket takes the reason is the session")
  func floodReasons() {
    let bench = SealedBench(peerCount: 3)
    startOthers(bench, peerCount: 3)
    bench.near.keyring.seal(with: nil, until: bench.end, toPeer: 1)
    // Peer 1 keeps 128 frames; what is flooded then waits for nobody.
    _ = bench.seal((0..<128).map { SealedBench.frame($0, to: .broadcast) })
    bench.near.engine.sealedSockets.failures = [0: EAGAIN, 2: EAGAIN]
    _ = bench.seal([SealedBench.frame(1, to: .broadcast)])
    #expect(bench.near.engine.drops(.noSession) == 1 && bench.near.engine.drops(.socketFull) == 0)
    // It is no reason of the next one.
    bench.startSession()
    bench.near.keyring.seal(with: SessionPair(seed: 8).keys[0].sealing, until: bench.end, toPeer: 1)
    bench.near.engine.sealedSockets.failures = [0: EAGAIN, 1: EAGAIN, 2: EAGAIN]
    _ = bench.seal([SealedBench.frame(2, to: .broadcast)])
    #expect(bench.near.engine.drops(.noSession) == 1 && bench.near.engine.drops(.socketFull) == 1)
    bench.expectBalance()
  }

  @Test("what waits is kept until there is a way for it, and what comes later waits behind it, though it had one")
  func staysInOrder() {
    // Frames of segment 43 need a tag that the session does not make.
    let bench = SealedBench { plan in
      if plan.vni.rawValue == 43 { plan.overhead = Overhead(family: .ipv4, sealingTag: .bytes32) }
    }
    #expect(bench.seal([SealedBench.frame(1, to: .broadcast)], segment: 1).isEmpty)
    bench.near.engine.sendWaiting()
    #expect(bench.near.waiting.hasAny && bench.near.engine.snapshot().total(.floodCopyDrops, .overlay) == 0)
    bench.advance(by: .seconds(5))
    let later = [SealedBench.frame(2, to: .broadcast)]
    #expect(bench.seal(later).isEmpty)
    bench.near.engine.topology.withFDB(ofSegment: 0) {
      $0.setStatic(SealedBench.there, at: .peer(0), now: bench.near.engine.now.seconds)
    }
    #expect(bench.seal([SealedBench.frame(3)]).isEmpty && bench.waitingCount == 1)
    bench.advance(by: .seconds(5))
    bench.near.engine.sendWaiting()
    #expect(bench.open(bench.takeSealed().map(\.payload)) == later + [SealedBench.frame(3)])
    #expect(!bench.near.waiting.hasAny && bench.near.engine.snapshot().total(.floodCopyDrops, .overlay) == 1)
    bench.expectBalance()
  }

  @Test("copies of a flooded frame that wait for 100 peers share its bytes: 128 of 1,400 bytes wait for each")
  func sharedCopies() {
    let bench = SealedBench(hasSession: false, peerCount: 100)
    let frames = (0..<128).map { SealedBench.frame($0, byteCount: 1400, to: .broadcast) }
    #expect(bench.seal(frames).isEmpty)
    let counters = bench.near.engine.snapshot()
    #expect(counters.total(.framesOut, .overlay) == 128 && counters.total(.floodCopyDrops, .overlay) == 0)
    // Those of one peer leave, the others stay.
    bench.startSession()
    bench.near.engine.sendWaiting()
    #expect(bench.open(bench.takeSealed().map(\.payload)) == frames && bench.near.waiting.hasAny)
    bench.advance(by: .seconds(10))
    bench.near.engine.expireWaiting()
    #expect(!bench.near.waiting.hasAny)
    #expect(bench.near.engine.snapshot().total(.floodCopyDrops, .overlay) == 99 * 128)
    bench.expectBalance()
  }

  @Test("what waited while the path became too narrow for it ends as too big, and the rest leaves")
  func narrowedPath() {
    let bench = SealedBench(hasSession: false)
    bench.near.engine.topology.withFDB(ofSegment: 0) {
      $0.setStatic(SealedBench.there, at: .peer(0), now: bench.near.engine.now.seconds)
    }
    let small = SealedBench.frame(1, byteCount: 1300 - 28 - 32)
    #expect(bench.seal([small, SealedBench.frame(2, byteCount: 1300 - 28 - 31)]).isEmpty && bench.waitingCount == 2)
    bench.near.engine.topology.limits.setPathMTU(1300, ofPeer: 0)
    bench.startSession()
    bench.near.engine.sendWaiting()
    #expect(bench.open(bench.takeSealed().map(\.payload)) == [small])
    #expect(bench.near.engine.drops(.tooBig) == 1 && bench.waitingCount == 0)
    bench.expectBalance()
  }

  @Test("past the end of its key a peer has no session", arguments: [(0, 1), (1, 0)])
  func until(nanoseconds: Int, count: Int) {
    let bench = SealedBench()
    bench.learnThere()
    bench.advance(by: .seconds(180) - .nanoseconds(1) + .nanoseconds(nanoseconds))
    #expect(bench.seal([SealedBench.frame(1)]).count == count && bench.waitingCount == UInt64(1 - count))
  }

  @Test("a moved peer gets its datagrams at the new address")
  func moves() {
    let bench = SealedBench()
    bench.learnThere()
    let place = Endpoint(address: IPAddress(ipv4: 0x0A00_0001), udpPort: 1234)
    bench.near.keyring.move(peer: 0, to: place)
    #expect(bench.seal([SealedBench.frame(1)]).map(\.destination) == [place])
  }

  @Test("a refused send of the sealed port is a drop under its reason, and bytes to the peer are counted as plain ones")
  func failures() {
    let bench = SealedBench()
    bench.learnThere()
    let before = bench.near.engine.snapshot().peers[0].sentByteCount
    _ = bench.seal([SealedBench.frame(1)])
    #expect(bench.near.engine.snapshot().peers[0].sentByteCount - before == 110 + 32)
    bench.near.engine.sealedSockets.failures[0] = EMSGSIZE
    _ = bench.seal([SealedBench.frame(2)])
    #expect(bench.near.engine.drops(.tooBig) == 1)
    bench.expectBalance()
  }

  @Test("IPv4 without DF above the path is fragmented inside, each piece sealed")
  func fragments() {
    let bench = SealedBench()
    bench.learnThere()
    bench.near.engine.topology.limits.setPathMTU(1300, ofPeer: 0)
    let packet = Frames.ipv4(
      from: IPAddress(ipv4: 0x0A2A_0001), to: IPAddress(ipv4: 0x0A2A_0002), flagsAndOffset: 0,
      payload: [UInt8](repeating: 0xA5, count: 1380))
    let frame = Frames.ethernet(
      to: SealedBench.there, from: SealedBench.here, etherType: Specification.etherTypeIPv4, payload: packet)
    let sent = bench.seal([frame])
    #expect(sent.count == 2 && !isClear(sent) && sent.allSatisfy { $0.payload.count + 28 <= 1300 })
    #expect(bench.open(sent.map(\.payload)).count == 2)
    #expect(bench.near.engine.snapshot().total(.generated, .overlay) == 1)
    bench.expectBalance()
  }

  @Test("what fits to the byte passes and one byte more does not", arguments: SealedBench.ciphers)
  func sizes(cipher: Cipher) {
    let bench = SealedBench(cipher: cipher)
    bench.learnThere()
    let path = 1400
    bench.near.engine.topology.limits.setPathMTU(path, ofPeer: 0)
    let fits = path - 28 - 16 - cipher.tagByteCount
    let sent = bench.seal([SealedBench.frame(1, byteCount: fits), SealedBench.frame(2, byteCount: fits + 1)])
    #expect(sent.map(\.payload.count) == [path - 28] && bench.near.engine.drops(.tooBig) == 1)
  }

  @Test("the plain port ends the process rather than send a frame of a sealed segment")
  func plainSide() async {
    await #expect(processExitsWith: .failure) {
      let plan = SealedNetwork.segment(42, ownMAC: .station(1), peers: 1, cipher: .chacha20poly1305)
      let topology = Topology(
        segments: [plan], peers: [PeerPlan(endpoint: Endpoint(address: IPAddress(ipv4: 1), udpPort: 4789))],
        hash: KeyedHash(key0: 1, key1: 2), now: Instant(nanoseconds: 0))
      var runs = OutgoingRuns()
      runs.append(
        byteCount: 100, key: OutgoingRuns.Key(peer: 0, sourcePortIndex: 0, trafficClass: 0, segment: 0))
      PlainSide(FakeDatagramPort(), topology).send(&runs)
    }
  }
}

extension SealedBench {
  fileprivate var waitingCount: UInt64 { near.engine.snapshot().total(.waiting, .overlay) }
}
