import LinuxIO
import Sealing
import TestKit
import Testing
import VXLAN

@testable import Dataplane

@Suite("Sealed segments, inwards")
struct SealedDecapsulationTests {
  /// How many datagrams ended for each reason.
  private func drops(_ bench: SealedBench) -> [DropReason: UInt64] {
    let counters = bench.far.engine.snapshot()
    let pairs = DropReason.allCases.map { ($0, counters.total($0, .underlay)) }.filter { $0.1 > 0 }
    return Dictionary(uniqueKeysWithValues: pairs)
  }

  private func changed(_ bytes: [UInt8], at offset: Int, to value: UInt8) -> [UInt8] {
    var copy = bytes
    copy[offset] = value
    return copy
  }

  /// A bench whose near end knows the station at the far one, and a datagram for that.
  private static func benchWithDatagram() -> (bench: SealedBench, datagram: [UInt8]) {
    let bench = SealedBench()
    bench.learnThere()
    return (bench, bench.seal([SealedBench.frame(1)])[0].payload)
  }

  @Test(
    "row 17: every bit of a datagram of 142 bytes is flipped: none is delivered, and the window is unchanged",
    arguments: SealedBench.ciphers)
  func flippedBits(cipher: Cipher) {
    let bench = SealedBench(cipher: cipher)
    bench.learnThere()
    let frame = SealedBench.frame(1, byteCount: 142 - 16 - cipher.tagByteCount)
    let datagram = bench.seal([frame])[0].payload
    #expect(datagram.count == 142)
    for bit in 0..<1136 {
      let flipped = changed(datagram, at: bit / 8, to: datagram[bit / 8] ^ 1 << (bit % 8))
      #expect(bench.open([flipped]).isEmpty, "bit \(bit)")
    }
    let counters = bench.far.engine.snapshot()
    #expect(counters.drops(.underlay) == 1136 && counters.total(.framesOut, .underlay) == 0)
    #expect(drops(bench)[.authentication, default: 0] > 900, "lane, counter, ciphertext and tag")
    #expect(bench.open([datagram]) == [frame])
    bench.expectBalance()
  }

  @Test("the first datagram of all may be all zero: no header")
  func zeroFirst() {
    let (bench, _) = Self.benchWithDatagram()
    #expect(bench.open([[UInt8](repeating: 0, count: 100)]).isEmpty)
    #expect(drops(bench) == [.framing: 1])
    bench.expectBalance()
  }

  @Test("what ends a datagram, one by one, in the order of the drop reasons")
  func reasons() {
    let (bench, datagram) = Self.benchWithDatagram()
    for (bytes, reason) in [
      (Array(datagram.prefix(7)), DropReason.shortHeader), (Array(datagram.prefix(8)), .framing),
      (Array(datagram.prefix(32)), .framing), (changed(datagram, at: 0, to: 0x08), .framing),
      (changed(datagram, at: 7, to: 1), .framing), (changed(datagram, at: 3, to: 0xFD), .framing),
      (changed(datagram, at: 1, to: 1), .framing), (changed(datagram, at: 6, to: 99), .unknownVNI),
      (changed(datagram, at: 6, to: 44), .unknownVNI), (changed(datagram, at: 6, to: 43), .authentication),
      (changed(datagram, at: 10, to: datagram[10] ^ 1), .unknownSession),
      (changed(datagram, at: 15, to: datagram[15] ^ 1), .authentication), (Array(datagram.prefix(33)), .authentication),
      ([UInt8](), .shortHeader),
    ] {
      let before = bench.farDrops(reason)
      #expect(bench.open([bytes]).isEmpty)
      #expect(bench.farDrops(reason) == before + 1, "\(reason): \(drops(bench))")
    }
    #expect(bench.open([datagram]).count == 1 && bench.open([datagram]).isEmpty && bench.farDrops(.replay) == 1)
    // The far end's segment 43 has no peers.
    let other = bench.seal([SealedBench.frame(1, to: .broadcast)], segment: 1)[0].payload
    #expect(bench.open([other]).isEmpty && bench.farDrops(.notPermitted) == 1)
    bench.expectBalance()
  }

  @Test("fragments and cut datagrams end first")
  func buffers() {
    let (bench, datagram) = Self.benchWithDatagram()
    bench.far.engine.fromSealedPort([.init(datagram, from: SealedBench.address(0), isFragmented: true)])
    bench.far.engine.fromSealedPort([
      .init(datagram + [UInt8](repeating: 0, count: 70_000), from: SealedBench.address(0))
    ])
    #expect(drops(bench) == [.fragment: 1, .truncated: 1])
    bench.expectBalance()
  }

  @Test("a frame ends for what is inside as a plain one does, after it was opened")
  func innerReasons() {
    let bench = SealedBench()
    bench.learnThere()
    // Of the same session, sealed by hand: the near engine would not send these.
    func sealed(_ frame: [UInt8]) -> [UInt8] {
      let sealer = bench.pair.keys[0].sealing.sealer(lane: 3)
      var datagram = [UInt8](repeating: 0, count: frame.count + sealer.overheadByteCount)
      let byteCount = datagram.withUnsafeMutableBytes { buffer in
        buffer.baseAddress.map {
          sealer.seal(
            frame, byteCount: frame.count, prefix: SealedHeader.prefix(kind: .frame, vni: VNI(unchecked: 42)), into: $0)
        }
      }
      #expect(byteCount == datagram.count)
      return datagram
    }
    let payload = [UInt8](repeating: 1, count: 46)
    for (frame, reason) in [
      ([UInt8](repeating: 0, count: 13), DropReason.shortFrame),
      (Frames.ethernet(to: .station(2), from: .station(1), payload: [UInt8](repeating: 0, count: 1500)), .oversize),
      (Frames.tagged(to: .station(2), from: .station(1), vlan: 3, payload: payload), .vlanTag),
      (Frames.ethernet(to: .station(2), from: .broadcast, payload: payload), .invalidSourceMAC),
      (Frames.ethernet(to: .station(2), from: .station(0x77), payload: payload), .ownSourceMAC),
    ] {
      #expect(bench.open([sealed(frame)]).isEmpty)
      #expect(bench.farDrops(reason) == 1, "\(reason): \(drops(bench))")
    }
    bench.expectBalance()
  }

  @Test("the peer is the key's: a source address nobody knows is taken, learned as the peer's, and moves nothing")
  func anyAddress() {
    let bench = SealedBench(peerCount: 2)
    let frames = SealedBench.frames(2)
    let sent = bench.seal(frames).filter { $0.peer == 0 }.map(\.payload)
    #expect(bench.open(sent, from: IPAddress(ipv4: 0x0808_0808)) == frames)
    #expect(bench.far.engine.entries().first { $0.mac == SealedBench.here }?.remote.peerSlot == 0)
    #expect(bench.far.engine.snapshot().peers[0].receivedByteCount == UInt64(2 * (110 + 32)))
    let answer = Frames.ethernet(
      to: SealedBench.here, from: SealedBench.there, payload: [UInt8](repeating: 0, count: 46))
    #expect(bench.far.engine.fromTAP([answer]).isEmpty)
    #expect(
      bench.far.engine.sealedSockets.sent.map(\.destination) == [
        Endpoint(address: SealedBench.address(0), udpPort: 4790)
      ])
  }

  @Test(
    "row 14: in clear for a sealed segment, on either port and in any format: refused before anything is learned")
  func clearFrames() {
    let bench = SealedBench()
    let frame = SealedBench.frame(1)
    let source = SealedBench.address(0)
    let far = bench.far.engine
    let written = far.fromUnderlay([
      .init(Frames.vxlan(vni: 42, frame), from: source), .init(Frames.vxlan(vni: 42, flags: 0x0C, frame), from: source),
      .init(Frames.vxlan(vni: 43, frame), from: source),
    ])
    #expect(written.allSatisfy(\.isEmpty) && far.drops(.plainForSealed) == 2 && far.drops(.reservedBits) == 1)
    for flags in [0x08, 0x0C, 0x0D, 0x88] as [UInt8] {
      for reserved in [[0, 0, 0], [0, 0, 0xFE], [0, 0, 0xFF], [0, 0, 3]] as [[UInt8]] {
        #expect(bench.open([Frames.vxlan(vni: 42, flags: flags, reserved: reserved, frame)]).isEmpty)
      }
    }
    #expect(far.snapshot().total(.framesOut, .underlay) == 0 && far.entries().isEmpty)
    #expect(far.sockets.sent.isEmpty && far.sealedSockets.sent.isEmpty)
    // The plain segment beside it works.
    #expect(far.fromUnderlay([.init(Frames.vxlan(vni: 44, frame), from: source)])[2] == [frame])
    bench.expectBalance()
  }

  @Test("a lenient segment that is sealed takes no clear frame either, with whatever bits")
  func clearLenientFrames() {
    let bench = SealedBench { $0.ignoresReservedBits = true }
    for flags in [0x08, 0x0C, 0x0D, 0xFF] as [UInt8] {
      bench.far.engine.fromUnderlay([
        .init(Frames.vxlan(vni: 42, flags: flags, SealedBench.frame(1)), from: SealedBench.address(0))
      ])
    }
    #expect(bench.farDrops(.plainForSealed) == 4 && bench.far.engine.taps[0].written.isEmpty)
  }

  @Test("row 18: 10,000 datagrams, twice more at once and again when the window has moved on: no frame twice")
  func replays() {
    let bench = SealedBench()
    bench.learnThere()
    let wanted = TestSeed.count("VTEP_SEALED_REPLAYS", standard: 10_000)
    var blocks: [[[UInt8]]] = []
    var replayCount = 0
    while blocks.count * 1000 < wanted {
      let frames = (0..<1000).map { SealedBench.frame(blocks.count * 1000 + $0) }
      let datagrams = bench.seal(frames).map(\.payload)
      #expect(bench.open(datagrams) == frames)
      blocks.append(datagrams)
      // Those of now, twice; of the middle of the window, which has moved on; and of before it.
      for age in [0, 0, 4, 9] where age < blocks.count {
        #expect(bench.open(blocks[blocks.count - 1 - age]).isEmpty)
        replayCount += 1000
      }
    }
    #expect(drops(bench) == [.replay: UInt64(replayCount)])
    bench.expectBalance()
  }

  @Test("row 19: shuffled in blocks of 64, 1024 and 8000 nothing is lost", arguments: [64, 1024, 8000])
  func shuffles(depth: Int) {
    let seed = TestSeed.next("sealed shuffle")
    var generator = SeededGenerator(seed: seed)
    let bench = SealedBench()
    bench.learnThere()
    for _ in 0..<max(2, 4000 / depth) {
      let frames = SealedBench.frames(depth)
      let datagrams = bench.seal(frames).map(\.payload)
      let opened = bench.open(datagrams.shuffled(using: &generator))
      #expect(opened.count == depth && Set(opened) == Set(frames), "seed \(seed)")
    }
    #expect(drops(bench).isEmpty)
  }

  @Test("row 19: in blocks of 9000 backwards the 808 that are too late of each are dropped, and counted exactly")
  func tooLate() {
    let bench = SealedBench()
    bench.learnThere()
    for round in 1...2 {
      let frames = SealedBench.frames(9000)
      let opened = bench.open(bench.seal(frames).map(\.payload).reversed())
      // The newest is accepted first; what lies 8,192 or more behind it is too late.
      #expect(opened == frames[808...].reversed())
      #expect(drops(bench) == [.replay: UInt64(808 * round)])
    }
    bench.expectBalance()
  }

  @Test("row 21: what one side sealed is not taken by itself nor by a third")
  func reflection() {
    let bench = SealedBench()
    bench.learnThere()
    let third = SealedBench(cipher: bench.cipher)
    let datagrams = bench.seal(SealedBench.frames(10)).map(\.payload)
    let received = datagrams.map { FakeDatagramPort.Received($0, from: SealedBench.address(0)) }
    let reflected = bench.near.engine.fromSealedPort(received)
    #expect(reflected.joined().isEmpty)
    let other = SessionPair(seed: 77)
    third.far.keyring.retire(index: third.pair.keys[1].opening.index)
    third.far.keyring.accept(other.keys[1].opening, fromPeer: 0, until: third.end)
    #expect(third.open(datagrams).isEmpty && third.far.engine.snapshot().drops(.underlay) == 10)
  }

  @Test("past its end a key opens nothing", arguments: [(-1, 1), (0, 0)])
  func until(nanoseconds: Int, count: Int) {
    let bench = SealedBench()
    let sent = bench.seal([SealedBench.frame(1, to: .broadcast)]).map(\.payload)
    bench.advance(by: .seconds(180) + .nanoseconds(nanoseconds))
    #expect(bench.open(sent).count == count && bench.farDrops(.unknownSession) == UInt64(1 - count))
  }

  @Test("an unknown session is told of at most once in 100 ms, with the sender's address and port")
  func unknownSessions() {
    let bench = SealedBench()
    let datagram = bench.seal([SealedBench.frame(1, to: .broadcast)])[0].payload
    bench.far.keyring.retire(index: bench.pair.keys[1].opening.index)
    var received = FakeDatagramPort.Received(datagram, from: SealedBench.address(0))
    received.sourcePort = 50_123
    for (wait, count) in [(0, 1), (99, 0), (1, 1)] {
      bench.advance(by: .milliseconds(wait))
      bench.far.engine.fromSealedPort([received, received])
      let sources = bench.far.inbox.take().items.compactMap {
        if case .unknownSession(let from) = $0 { from } else { nil }
      }
      #expect(sources == Array(repeating: Endpoint(address: SealedBench.address(0), udpPort: 50_123), count: count))
    }
    #expect(bench.farDrops(.unknownSession) == 6)
    bench.expectBalance()
  }

  @Test("strangers' unknown sessions are told of once in 1 s, and take no note from a configured peer's address")
  func unknownStrangers() {
    let bench = SealedBench()
    let datagram = bench.seal([SealedBench.frame(1, to: .broadcast)])[0].payload
    bench.far.keyring.retire(index: bench.pair.keys[1].opening.index)
    let stranger = IPAddress(ipv4: 0x0808_0808)
    let both = [stranger, stranger, SealedBench.address(0), stranger].map {
      FakeDatagramPort.Received(datagram, from: $0)
    }
    for (wait, sources) in [
      (0, [stranger, SealedBench.address(0)]), (99, []), (1, [SealedBench.address(0)]), (899, [SealedBench.address(0)]),
      (1, [stranger]), (99, [SealedBench.address(0)]), (900, [SealedBench.address(0)]), (1, [stranger]),
    ] {
      bench.advance(by: .milliseconds(wait))
      bench.far.engine.fromSealedPort(both)
      let told = bench.far.inbox.take().items.compactMap {
        if case .unknownSession(let from) = $0 { from.address } else { nil }
      }
      #expect(told == sources, "after \(wait) ms")
    }
    bench.expectBalance()
  }

  @Test("a flood of cookie replies gets 32 places of its own: an initiation behind it passes, and it is no load")
  func cookies() {
    let network = SealedNetwork(agentCount: 2, cipher: .chacha20poly1305, seed: 3)
    network.agents[0].advance(to: network.now)
    let initiation = network.agents[0].takeSent()[0].bytes
    let agent = network.agents[1]
    let word = SealedHeader.Word(lane: 0, index: 5, counter: HandshakeMessage.Kind.cookie.rawValue)
    let header = SealedHeader(kind: .handshake, vni: VNI(unchecked: 0), word: word).bytes
    let cookie = header + [UInt8](repeating: 7, count: 56)
    for _ in 0..<1100 { agent.workers[0].fromSealedPort([.init(cookie, from: SealedBench.address(0))]) }
    agent.workers[0].fromSealedPort([.init(initiation, from: SealedBench.address(0))])
    let (items, isUnderLoad) = agent.inbox.take()
    #expect(items.count == 33 && !isUnderLoad && agent.workers[0].drops(.handshake) == 1100 - 32)
    guard case .handshake(let bytes, _)? = items.last else {
      Issue.record("nothing was handed over")
      return
    }
    #expect(bytes == initiation)
  }

  @Test("a handshake with the right mac1 is handed over, and one with another, cut, or of another kind is dropped")
  func handshakes() {
    let network = SealedNetwork(agentCount: 2, cipher: .chacha20poly1305, seed: 3)
    network.agents[0].advance(to: network.now)
    let initiation = network.agents[0].takeSent()[0].bytes
    let agent = network.agents[1]
    let source = FakeDatagramPort.Received(initiation, from: SealedBench.address(0))
    agent.workers[0].fromSealedPort([source])
    let items = agent.inbox.take().items
    guard case .handshake(let bytes, _)? = items.first, items.count == 1 else {
      Issue.record("nothing was handed over")
      return
    }
    #expect(bytes == initiation && agent.snapshot().total(.framesIn, .underlay) == 0)
    for broken in [
      changed(initiation, at: 150, to: initiation[150] ^ 1), changed(initiation, at: 20, to: initiation[20] ^ 1),
      Array(initiation.dropLast()), changed(initiation, at: 15, to: 9),
    ] {
      agent.workers[0].fromSealedPort([.init(broken, from: SealedBench.address(0))])
    }
    #expect(agent.inbox.take().items.isEmpty && agent.workers[0].drops(.handshake) == 4)
    for _ in 0..<1100 { agent.workers[0].fromSealedPort([source]) }
    #expect(agent.inbox.take().items.count == 1024 && agent.workers[0].drops(.handshake) == 4 + 76)
  }

  @Test("a control message that opens is consumed and handed over in clear, and a second time it is a replay")
  func control() {
    let bench = SealedBench()
    let plaintext = [UInt8](repeating: 0, count: 16)
    let sealer = bench.pair.keys[0].sealing.sealer(lane: SealingKey.controlLane)
    var datagram = [UInt8](repeating: 0, count: plaintext.count + sealer.overheadByteCount)
    datagram.withUnsafeMutableBytes { buffer in
      guard let start = buffer.baseAddress else { return }
      _ = sealer.seal(
        plaintext, byteCount: plaintext.count, prefix: SealedHeader.prefix(kind: .control, vni: VNI(unchecked: 0)),
        into: start)
    }
    #expect(bench.open([datagram]).isEmpty && bench.open([datagram]).isEmpty)
    let items = bench.far.inbox.take().items
    guard case .control(let bytes, let word, let source)? = items.first, items.count == 1 else {
      Issue.record("nothing was handed over")
      return
    }
    #expect(bytes == plaintext && word.lane == 15 && source.address == SealedBench.address(0))
    #expect(bench.far.engine.snapshot().total(.consumed, .underlay) == 1 && bench.farDrops(.replay) == 1)
    bench.expectBalance()
  }

  @Test("a buffer of joined datagrams of one flow is one write to the TAP, and what a stranger put between ends alone")
  func joined() {
    let bench = SealedBench(mergeable: MergeableTraffic(mergesTCP: true, mergesUDP: true))
    bench.learnThere()
    var flow = InnerFlow()
    flow.source = SealedBench.here
    flow.destination = SealedBench.there
    let (frame, header) = flow.superframe([UInt8](repeating: 0xA5, count: 30_000), gsoByteCount: 1000)
    let frames = ReferenceSegmentation.frames(of: frame, header)
    func buffer(_ datagrams: [[UInt8]]) -> FakeDatagramPort.Received {
      var buffer = FakeDatagramPort.Received(datagrams.flatMap { $0 }, from: SealedBench.address(0))
      buffer.datagramByteCount = datagrams[0].count
      return buffer
    }
    var datagrams = bench.seal([frame], offload: header).map(\.payload)
    let far = bench.far.engine
    #expect(far.fromSealedPort([buffer(datagrams)])[0] == frames && far.taps[0].writeCount == 1)
    datagrams = bench.seal([frame], offload: header).map(\.payload)
    datagrams.insert(datagrams[3].map { ~$0 }, at: 10)
    datagrams.insert(changed(datagrams[3], at: 60, to: ~datagrams[3][60]), at: 20)
    #expect(far.fromSealedPort([buffer(datagrams)])[0] == frames)
    // The first ten were opened, and marked as received, before the second stranger was tried.
    #expect(drops(bench) == [.framing: 1, .replay: 1])
    bench.expectBalance()
  }
}
