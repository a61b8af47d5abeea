import Forwarding
import Glibc
import LinuxIO
import Synchronization
import TestKit
import Testing
import VXLAN

@testable import Dataplane

@Suite("Worker")
struct WorkerTests {
  private func makeWorker(
    _ port: PipePort, sockets: FakeDatagramPort = FakeDatagramPort(),
    onDoubtfulPath: @escaping @Sendable () -> Void = {},
    onFailure: @escaping @Sendable (Worker.Failure) -> Void = { _ in }
  ) throws -> Worker {
    var segment = SegmentPlan(vni: VNI(unchecked: 42), overlayMTU: 1450, ownMAC: .station(1))
    segment.peers = [0]
    let topology = Topology(
      segments: [segment], peers: [PeerPlan(endpoint: Endpoint(address: peerAddress(0), udpPort: 4789))],
      hash: KeyedHash(key0: 1, key1: 2), now: Instant(nanoseconds: 0), workerCount: 1)
    let engine = Engine(
      topology: topology, framePorts: [port], datagramPort: sockets, sourcePortCount: 1,
      flowKey: KeyedHash(key0: 3, key1: 4))
    // The underlay is a pipe into which nobody writes.
    return try Worker(
      number: 0, engine: engine, tapDescriptors: [port.readEnd], underlayDescriptor: makePipe().readEnd,
      onFailure: onFailure, onDoubtfulPath: onDoubtfulPath)
  }

  private func framesIn(_ worker: Worker) -> UInt64 {
    worker.perform { $0.snapshot().total(.framesIn, .overlay) } ?? 0
  }

  @Test("several workers that are asked are at it at once")
  func askedAtOnce() throws {
    let workers = try [makeWorker(PipePort()), makeWorker(PipePort())]
    for worker in workers { try worker.start() }
    defer { for worker in workers { worker.stop() } }
    let hasBegun = Atomic<Int>(0)
    let end = Clock.now() + 2_000_000_000
    // Each waits for the other: asked in turn, the first would never see it.
    let answers = workers.map { worker in
      worker.ask(within: 4) { _ in
        hasBegun.add(1, ordering: .acquiringAndReleasing)
        while hasBegun.load(ordering: .acquiring) < 2, Clock.now() < end { usleep(100) }
        return hasBegun.load(ordering: .acquiring)
      }
    }
    #expect(answers.map { $0.wait() } == [2, 2])
  }

  @Test("it takes what is there, sleeps, and wakes for more")
  func carries() throws {
    let port = PipePort()
    let worker = try makeWorker(port)
    try worker.start()
    for round in 1...5 {
      port.offer(1000)
      for _ in 0..<5000 where framesIn(worker) < UInt64(round * 1000) { usleep(2000) }
      #expect(framesIn(worker) == UInt64(round * 1000))
    }
    worker.stop()
  }

  @Test("jobs are done between batches while it sleeps, and after it has stopped there is an answer too: none")
  func jobs() throws {
    let worker = try makeWorker(PipePort())
    try worker.start()
    #expect(worker.perform { _ in 42 } == 42)
    worker.stop()
    #expect(worker.perform(within: 0, { _ in 42 }) == nil)
  }

  @Test(
    "a datagram too large for its path is told of once for its batch, another failure is not",
    arguments: [(EMSGSIZE, 1), (ENETUNREACH, 0)])
  func doubtfulPath(failure: Int32, count: Int) throws {
    let port = PipePort()
    let sockets = FakeDatagramPort()
    sockets.failures = [0: failure, 1: failure, 2: failure]
    let told = Mutex(0)
    let worker = try makeWorker(port, sockets: sockets, onDoubtfulPath: { told.withLock { $0 += 1 } })
    port.offer(3)
    try worker.start()
    for _ in 0..<5000 where framesIn(worker) < 3 { usleep(2000) }
    worker.stop()
    #expect(told.withLock { $0 } == count)
  }

  @Test("a job that is done when the worker is stopped holds what the tables keep for readers")
  func jobsOfStopped() throws {
    let worker = try makeWorker(PipePort())
    let isHeld = Mutex(false)
    worker.post { engine in
      let gracePeriod = engine.topology.gracePeriod
      let period = gracePeriod.begin()
      isHeld.withLock { $0 = !gracePeriod.isOver(period) }
    }
    worker.stop()
    #expect(isHeld.withLock { $0 })
  }

  @Test("after a job that held the worker up in the middle of a round the time is that of now")
  func timeAfterJob() throws {
    let port = PipePort()
    let sockets = FakeDatagramPort()
    sockets.failures = [0: ENETUNREACH]
    let worker = try makeWorker(port, sockets: sockets)
    let over = Atomic<UInt64>(0)
    worker.post { [unowned worker] engine in
      engine.topology.events.wantsDrops = true
      // Done in the round that is about to begin, before the frame is read.
      worker.post { _ in
        usleep(20_000)
        over.store(Clock.now(), ordering: .releasing)
      }
    }
    port.offer(1)
    try worker.start()
    for _ in 0..<5000 where framesIn(worker) < 1 { usleep(2000) }
    let drops = worker.perform { $0.topology.events.drain().drops }
    worker.stop()
    let time = try #require(drops?.first?.time.nanoseconds)
    #expect(time >= over.load(ordering: .acquiring) && over.load(ordering: .acquiring) > 0)
  }

  @Test("a port that fails is reported once, not asked again, and watched again when mended")
  func failure() throws {
    let port = PipePort()
    let failures = Mutex<[Worker.Failure]>([])
    let worker = try makeWorker(port, onFailure: { failure in failures.withLock { $0.append(failure) } })
    try worker.start()
    port.failure.store(EBADFD, ordering: .releasing)
    port.offer(1)
    for _ in 0..<5000 where failures.withLock({ $0.isEmpty }) { usleep(2000) }
    usleep(20_000)
    #expect(failures.withLock { $0 } == [Worker.Failure(segment: 0, number: EBADFD)])
    port.failure.store(0, ordering: .releasing)
    try worker.watch(segment: 0)
    port.offer(9)
    for _ in 0..<5000 where framesIn(worker) < 10 { usleep(2000) }
    #expect(framesIn(worker) == 10)
    worker.stop()
  }

  @Test("a worker counts while it goes on, says that it sleeps, counts when it is nudged, and not when it is held up")
  func progress() throws {
    let worker = try makeWorker(PipePort())
    #expect(worker.progress == WorkerProgress(stepCount: 0, isAsleep: false))
    try worker.start()
    defer { worker.stop() }
    for _ in 0..<5000 where !worker.progress.isAsleep { usleep(2000) }
    let asleep = worker.progress
    #expect(asleep.isAsleep)
    worker.nudge()
    for _ in 0..<5000 where worker.progress.stepCount == asleep.stepCount { usleep(2000) }
    #expect(worker.progress.stepCount > asleep.stepCount)
    let isHeld = Atomic<Bool>(false)
    let mayGo = Atomic<Bool>(false)
    let answer = worker.ask(within: 10) { _ in
      isHeld.store(true, ordering: .releasing)
      for _ in 0..<5000 where !mayGo.load(ordering: .acquiring) { usleep(2000) }
    }
    for _ in 0..<5000 where !isHeld.load(ordering: .acquiring) { usleep(2000) }
    let held = worker.progress
    worker.nudge()
    usleep(50_000)
    #expect(worker.progress == held && !held.isAsleep)
    mayGo.store(true, ordering: .releasing)
    #expect(answer.wait() != nil)
  }
}
