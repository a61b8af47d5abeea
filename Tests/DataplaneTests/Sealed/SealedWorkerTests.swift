import Dataplane
import Forwarding
import Glibc
import LinuxIO
import Sealing
import Synchronization
import TestKit
import Testing
import VXLAN

@Suite("Workers with sealed segments")
struct SealedWorkerTests {
  private static func makePipe() -> (readEnd: Int32, writeEnd: Int32) {
    var ends: [Int32] = [0, 0]
    precondition(pipe(&ends) == 0)
    for end in ends { precondition(fcntl(end, F_SETFL, O_NONBLOCK) == 0) }
    return (ends[0], ends[1])
  }

  /// A sealed port over a pipe's read end: each byte is the next datagram.
  private final class PipePort: DatagramPort, @unchecked Sendable {
    // *Threads.* `datagrams` and what follows are the worker's while it runs.
    let ends = SealedWorkerTests.makePipe()
    private let datagrams: [[UInt8]]
    private var next = 0

    init(_ datagrams: [[UInt8]]) { self.datagrams = datagrams }

    deinit {
      _ = close(ends.readEnd)
      _ = close(ends.writeEnd)
    }

    func offer(_ count: Int) {
      #expect(write(ends.writeEnd, [UInt8](repeating: 0, count: count), count) == count)
    }

    func receive(into batch: inout DatagramBatch) -> Int32 {
      batch.clear()
      var byte: UInt8 = 0
      while batch.hasRoom, next < datagrams.count, read(ends.readEnd, &byte, 1) == 1 {
        batch.append(datagrams[next], from: SealedBench.address(0))
        next += 1
      }
      return 0
    }

    func send(_ runs: inout OutgoingRuns) {}
  }

  private static func seal(_ count: Int, with key: SealingKey) -> [[UInt8]] {
    let sealer = key.sealer(lane: 0)
    return SealedBench.frames(count).map { frame in
      var datagram = [UInt8](repeating: 0, count: frame.count + sealer.overheadByteCount)
      datagram.withUnsafeMutableBytes { bytes in
        guard let start = bytes.baseAddress else { return }
        _ = sealer.seal(
          frame, byteCount: frame.count, prefix: SealedHeader.prefix(kind: .frame, vni: VNI(unchecked: 42)), into: start
        )
      }
      return datagram
    }
  }

  @Test("a worker takes what the sealed port has, while keys come and go; a retired key is let go of within a second")
  func carries() throws {
    let frameCount = 5000
    let plan = SealedNetwork.segment(42, ownMAC: .station(0x77), peers: 1, cipher: .chacha20poly1305)
    let topology = Topology(
      segments: [plan], peers: [PeerPlan(endpoint: Endpoint(address: SealedBench.address(0), udpPort: 4789))],
      hash: KeyedHash(key0: 1, key1: 2), now: Instant(nanoseconds: 0), workerCount: 1)
    let keyring = Keyring(peerCount: 1, gracePeriod: topology.gracePeriod)
    let end = Instant(nanoseconds: .max)
    weak var opening: OpeningKey?
    let port: PipePort
    let mac: HandshakeMAC
    do {
      let pair = SessionPair()
      port = PipePort(Self.seal(frameCount, with: pair.keys[1].sealing))
      keyring.accept(pair.keys[0].opening, fromPeer: 0, until: end)
      opening = pair.keys[0].opening
      mac = HandshakeMAC(to: pair.publicKeys[0])
    }
    let tap = FakeFramePort()
    let waiting = WaitingBudget(peerCount: 1)
    let engine = Engine(
      topology: topology, framePorts: [tap], datagramPort: FakeDatagramPort(), sourcePortCount: 1,
      flowKey: KeyedHash(key0: 3, key1: 4),
      sealed: SealedSide(
        port: port, keyring: keyring, inbox: SealedInbox {}, mac: mac, waiting: waiting, lane: 0))
    let worker = try Worker(
      number: 0, engine: engine, tapDescriptors: [Self.makePipe().readEnd],
      underlayDescriptor: Self.makePipe().readEnd, sealedDescriptor: port.ends.readEnd, onFailure: { _ in })
    try worker.start()
    for round in 0..<50 {
      port.offer(frameCount / 50)
      let other = SessionPair(seed: UInt64(round + 2))
      keyring.accept(other.keys[0].opening, fromPeer: 0, until: end)
      keyring.seal(with: other.keys[0].sealing, until: end, toPeer: 0)
      keyring.move(peer: 0, to: Endpoint(address: SealedBench.address(round), udpPort: 4790))
      worker.post { $0.sendWaiting(now: Instant(nanoseconds: 1)) }
      _ = keyring.collect()
      keyring.retire(index: other.keys[0].opening.index)
    }
    func framesOut() -> UInt64 { worker.perform { $0.snapshot().total(.framesOut, .underlay) } ?? 0 }
    for _ in 0..<5000 where framesOut() < UInt64(frameCount) { usleep(1000) }
    #expect(framesOut() == UInt64(frameCount))
    if let index = opening?.index { keyring.retire(index: index) }
    for _ in 0..<100 where !keyring.collect() { usleep(10_000) }
    #expect(opening == nil && keyring.collect())
    worker.stop()
    #expect(tap.written == SealedBench.frames(frameCount))
  }
}
