import Forwarding
import Glibc
import LinuxIO
import Sealing
import Synchronization
import TestKit
import Testing
import VXLAN

@testable import Dataplane

/// Workers over ports that hand out what was made before, one item for each byte of a pipe.
@Suite("Workers that seal, share a session, and are flooded")
struct SealingWorkerTests {
  /// A pipe whose bytes are turns, never more than it holds.
  private final class Turns: @unchecked Sendable {
    let readEnd: Int32
    private let writeEnd: Int32

    init() {
      var ends: [Int32] = [0, 0]
      precondition(pipe(&ends) == 0)
      for end in ends { precondition(fcntl(end, F_SETFL, O_NONBLOCK) == 0) }
      (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
      _ = close(readEnd)
      _ = close(writeEnd)
    }

    func offer(_ count: Int) {
      #expect(write(writeEnd, [UInt8](repeating: 0, count: count), count) == count)
    }

    func take() -> Bool {
      var byte: UInt8 = 0
      return read(readEnd, &byte, 1) == 1
    }
  }

  /// *Threads.* What is not the pipe is the worker's while it runs.
  private final class TAP: FramePort, @unchecked Sendable {
    let turns = Turns()
    var frames: [[UInt8]]
    private var next = 0
    /// Hands out the last frame for ever.
    var isEndless = false
    private(set) var receiveCount = 0
    private(set) var written: [[UInt8]] = []
    var mergeable: MergeableTraffic { MergeableTraffic(mergesTCP: false, mergesUDP: false) }

    init(_ frames: [[UInt8]] = []) { self.frames = frames }

    func receive(into batch: inout FrameBatch) -> Int32 {
      receiveCount += 1
      while batch.hasRoom, next < frames.count, isEndless || turns.take() {
        batch.nextStart().update(from: frames[next], count: frames[next].count)
        batch.append(byteCount: frames[next].count, offload: VirtioNetHeader())
        if !isEndless { next += 1 }
      }
      return 0
    }

    func send(_ frames: inout OutgoingFrames, _ range: Range<Int>) {
      for index in range {
        frames.setFailure(0, at: index)
        // SAFETY: the engine keeps the bytes until the call returns.
        written.append(
          frames.vectors(at: index).dropFirst().flatMap {
            Array(UnsafeRawBufferPointer(start: $0.iov_base, count: $0.iov_len))
          })
      }
    }

    func refuseSuperframes(_ failure: Int32) {}
  }

  /// *Threads.* As above.
  private final class Port: DatagramPort, @unchecked Sendable {
    let turns = Turns()
    private let datagrams: [[UInt8]]
    private var next = 0
    var isEndless = false
    /// Where each is several joined ones: of how many bytes.
    var datagramByteCount = 0
    private(set) var receiveCount = 0
    let fake = FakeDatagramPort()

    init(_ datagrams: [[UInt8]] = []) { self.datagrams = datagrams }

    func receive(into batch: inout DatagramBatch) -> Int32 {
      receiveCount += 1
      batch.clear()
      while batch.hasRoom, next < datagrams.count, isEndless || turns.take() {
        batch.append(datagrams[next], from: SealedBench.address(0), datagramByteCount: datagramByteCount)
        if !isEndless { next += 1 }
      }
      return 0
    }

    func send(_ runs: inout OutgoingRuns) { fake.send(&runs) }
  }

  private static let end = Instant(nanoseconds: .max)
  /// The plain port of all workers: nothing comes.
  private static let idle = Turns()

  private static func makeTopology(workerCount: Int) -> Topology {
    let plan = SealedNetwork.segment(42, ownMAC: .station(0x77), peers: 1, cipher: .chacha20poly1305)
    let topology = Topology(
      segments: [plan], peers: [PeerPlan(endpoint: Endpoint(address: SealedBench.address(0), udpPort: 4789))],
      hash: KeyedHash(key0: 1, key1: 2), now: Instant(nanoseconds: 0), workerCount: workerCount)
    topology.withFDB(ofSegment: 0) { $0.setStatic(SealedBench.there, at: .peer(0), now: 0) }
    return topology
  }

  private static func makeWorker(
    _ number: Int, _ topology: Topology, _ keyring: Keyring, _ tap: TAP, _ port: Port,
    onDoubtfulPath: @escaping @Sendable () -> Void = {}
  ) throws -> Worker {
    let engine = Engine(
      topology: topology, framePorts: [tap], datagramPort: FakeDatagramPort(), sourcePortCount: 1,
      flowKey: KeyedHash(key0: 3, key1: 4),
      sealed: SealedSide(
        port: port, keyring: keyring, inbox: SealedInbox {}, mac: HandshakeMAC(to: SessionPair().publicKeys[0]),
        waiting: WaitingBudget(peerCount: 1), lane: UInt8(number)))
    return try Worker(
      number: number, engine: engine, tapDescriptors: [tap.turns.readEnd], underlayDescriptor: idle.readEnd,
      sealedDescriptor: port.turns.readEnd, onFailure: { _ in }, onDoubtfulPath: onDoubtfulPath)
  }

  /// The worker's counter, when it is at least `count`, or after 20 s.
  private static func reached(_ count: Int, of worker: Worker, _ counter: (CounterSnapshot) -> UInt64) -> UInt64 {
    let end = Clock.now() + 20_000_000_000
    while true {
      let value = worker.perform { $0.snapshot() }.map(counter) ?? 0
      if value >= UInt64(count) || Clock.now() > end { return value }
      usleep(2000)
    }
  }

  private static func wait(for count: Int, of worker: Worker, _ counter: (CounterSnapshot) -> UInt64) {
    #expect(reached(count, of: worker, counter) == UInt64(count))
  }

  @Test("a worker seals while keys and addresses are replaced: every frame once, in order, for an address of its time")
  func seals() throws {
    let (early, perRound, roundCount) = (100, 100, 50)
    let frames = SealedBench.frames(early + perRound * roundCount)
    let topology = Self.makeTopology(workerCount: 1)
    let keyring = Keyring(peerCount: 1, gracePeriod: topology.gracePeriod)
    let (tap, port) = (TAP(frames), Port())
    let worker = try Self.makeWorker(0, topology, keyring, tap, port)
    keyring.move(peer: 0, to: Endpoint(address: SealedBench.address(0), udpPort: 4790))
    try worker.start()
    tap.turns.offer(early)
    Self.wait(for: early, of: worker) { $0.total(.waiting, .overlay) }
    var pairs: [UInt32: SessionPair] = [:]
    for round in 0..<roundCount {
      let pair = SessionPair(seed: UInt64(round + 2))
      pairs[pair.keys[1].opening.index] = pair
      keyring.seal(with: pair.keys[0].sealing, until: Self.end, toPeer: 0)
      if round == 0 { worker.post { $0.sendWaiting(now: Instant(nanoseconds: 1)) } }
      tap.turns.offer(perRound)
      keyring.move(peer: 0, to: Endpoint(address: SealedBench.address(round), udpPort: 4790))
      _ = keyring.collect()
    }
    Self.wait(for: frames.count, of: worker) { $0.total(.framesOut, .overlay) }
    worker.stop()
    #expect(pairs.count == roundCount && keyring.collect())
    var opened: [[UInt8]] = []
    for sent in port.fake.sent {
      #expect((0..<roundCount).contains { sent.destination?.address == SealedBench.address($0) })
      guard let word = SealedHeader(parsing: sent.payload.span)?.word, let pair = pairs[word.index] else { continue }
      var datagram = sent.payload
      let verdict = datagram.withUnsafeMutableBytes { bytes in
        bytes.baseAddress.map { pair.keys[1].opening.opener.open($0, byteCount: bytes.count) }
      }
      #expect(verdict == .opened)
      opened.append(Array(datagram[16..<(datagram.count - 16)]))
    }
    #expect(opened == frames)
  }

  @Test("two workers that both get every datagram of a session deliver each once, and the other is a replay")
  func shares() throws {
    let count = 5000
    let topology = Self.makeTopology(workerCount: 2)
    let keyring = Keyring(peerCount: 1, gracePeriod: topology.gracePeriod)
    let pair = SessionPair()
    keyring.accept(pair.keys[0].opening, fromPeer: 0, until: Self.end)
    let datagrams = Self.seal(SealedBench.frames(count), with: pair.keys[1].sealing)
    let taps = [TAP(), TAP()]
    let ports = [Port(datagrams), Port(datagrams)]
    let workers = try (0..<2).map { try Self.makeWorker($0, topology, keyring, taps[$0], ports[$0]) }
    for worker in workers { try worker.start() }
    for _ in 0..<50 { for port in ports { port.turns.offer(count / 50) } }
    for worker in workers { Self.wait(for: count, of: worker) { $0.total(.framesIn, .underlay) } }
    let sums = workers.map { worker in worker.perform { $0.snapshot() } }
    for worker in workers { worker.stop() }
    let replays = sums.compactMap { $0?.total(.replay, .underlay) }.reduce(0, +)
    #expect(replays == UInt64(count))
    #expect(
      (taps[0].written + taps[1].written).sorted { $0.lexicographicallyPrecedes($1) } == SealedBench.frames(count))
  }

  @Test(
    "forged datagrams of a session and a TAP's frames share equally: one batch for eight short ones, eight for 512 KiB",
    arguments: [1, 46])
  func fairness(joinedCount: Int) throws {
    let topology = Self.makeTopology(workerCount: 1)
    let keyring = Keyring(peerCount: 1, gracePeriod: topology.gracePeriod)
    let pair = SessionPair()
    keyring.accept(pair.keys[0].opening, fromPeer: 0, until: Self.end)
    let frames = [SealedBench.frame(1, byteCount: joinedCount == 1 ? 110 : 1_380)]
    var forged = Self.seal(frames, with: pair.keys[1].sealing)
    forged[0][30] ^= 1
    forged[0] = Array(repeatElement(forged[0], count: joinedCount).joined())
    let tap = TAP([SealedBench.frame(1)])
    let port = Port(forged)
    (tap.isEndless, port.isEndless, port.datagramByteCount) = (true, true, forged[0].count / joinedCount)
    let worker = try Self.makeWorker(0, topology, keyring, tap, port)
    tap.turns.offer(1)
    port.turns.offer(1)
    try worker.start()
    let count = 800 * joinedCount
    #expect(Self.reached(count, of: worker) { $0.total(.authentication, .underlay) } >= count)
    worker.stop()
    #expect(port.receiveCount >= 100)
    // Eight rounds, and the one in which the sealed port has its turn.
    let share = joinedCount == 1 ? 1 : 1 + ForgedPace.roundMax
    let expected = share * (port.receiveCount - 3)...share * (port.receiveCount + 3)
    #expect(expected.contains(tap.receiveCount), "\(tap.receiveCount) to \(port.receiveCount)")
  }

  @Test("without frames to take, forged datagrams are taken as they come")
  func floodAlone() throws {
    let topology = Self.makeTopology(workerCount: 1)
    let keyring = Keyring(peerCount: 1, gracePeriod: topology.gracePeriod)
    let pair = SessionPair()
    keyring.accept(pair.keys[0].opening, fromPeer: 0, until: Self.end)
    var forged = Self.seal(SealedBench.frames(1000), with: pair.keys[1].sealing)
    for index in forged.indices { forged[index][30] ^= 1 }
    let port = Port(forged)
    let worker = try Self.makeWorker(0, topology, keyring, TAP(), port)
    try worker.start()
    port.turns.offer(1000)
    Self.wait(for: 1000, of: worker) { $0.total(.authentication, .underlay) }
    worker.stop()
  }

  @Test("a frame that waited and is too large for its path then puts the path in doubt")
  func doubtfulPath() throws {
    let told = Mutex(0)
    let topology = Self.makeTopology(workerCount: 1)
    let keyring = Keyring(peerCount: 1, gracePeriod: topology.gracePeriod)
    let (tap, port) = (TAP(SealedBench.frames(1)), Port())
    port.fake.failures[0] = EMSGSIZE
    let worker = try Self.makeWorker(
      0, topology, keyring, tap, port, onDoubtfulPath: { told.withLock { $0 += 1 } })
    keyring.move(peer: 0, to: Endpoint(address: SealedBench.address(0), udpPort: 4790))
    try worker.start()
    tap.turns.offer(1)
    Self.wait(for: 1, of: worker) { $0.total(.waiting, .overlay) }
    keyring.seal(with: SessionPair().keys[0].sealing, until: Self.end, toPeer: 0)
    worker.post { $0.sendWaiting(now: Instant(nanoseconds: 1)) }
    Self.wait(for: 1, of: worker) { $0.total(.tooBig, .overlay) }
    worker.stop()
    #expect(told.withLock { $0 } == 1)
  }

  private static func seal(_ frames: [[UInt8]], with key: SealingKey) -> [[UInt8]] {
    let sealer = key.sealer(lane: 0)
    let prefix = SealedHeader.prefix(kind: .frame, vni: VNI(unchecked: 42))
    return frames.map { frame in
      var datagram = [UInt8](repeating: 0, count: frame.count + sealer.overheadByteCount)
      datagram.withUnsafeMutableBytes { bytes in
        guard let start = bytes.baseAddress else { return }
        _ = sealer.seal(frame, byteCount: frame.count, prefix: prefix, into: start)
      }
      return datagram
    }
  }
}
