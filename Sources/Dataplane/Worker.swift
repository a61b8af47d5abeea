import Dispatch
import Forwarding
import Glibc
import LinuxIO
import Synchronization
import VXLAN

/// A thread that runs one engine to completion: it owns a queue of every TAP and a socket of the underlay, takes what
/// is there until nothing is, and sleeps.
///
/// *Threads.* `start`, `stop`, `perform`, `post` and `watch` may be called by any other thread; the engine is the
/// worker's alone.
package final class Worker: @unchecked Sendable {
  /// A TAP that answered with a failure: the worker has stopped watching it.
  package struct Failure: Equatable, Sendable {
    /// The segment's slot; nil: the underlay.
    package let segment: Int?
    package let number: Int32

    package init(segment: Int?, number: Int32) {
      self.segment = segment
      self.number = number
    }
  }

  /// Ready ports are looked at this many times before the poller is asked again: what becomes ready meanwhile waits
  /// no longer than that many batches.
  private static let roundsPerPoll = 16

  /// Little comes: so many bytes at most in this window of time and in the one before.
  private static let littleByteCount = 16_384
  private static let windowNanoseconds: UInt64 = 1_000_000

  /// Its number: that of its queues, its socket, and its place as a reader of the tables.
  package let number: Int
  private let gracePeriod: GracePeriod
  private let poller: Poller
  private let segmentCount: Int
  private let pollDescriptors: [Int32]
  /// Called on the worker's thread when a port fails; must not block.
  private let onFailure: @Sendable (Failure) -> Void
  /// Called on the worker's thread after a batch of which a datagram was too large for the way to its peer; must not
  /// block.
  private let onDoubtfulPath: @Sendable () -> Void
  /// Called on the worker's thread after a batch in which something of `FloodControl` happened for the first time since
  /// the last look; must not block.
  private let onFloodNews: @Sendable () -> Void
  private let jobs = Mutex<[@Sendable (inout Engine) -> Void]>([])
  private let hasJobs = Atomic<Bool>(false)
  private let isStopping = Atomic<Bool>(false)
  private var thread: SystemThread?

  // The worker thread's own, once it runs.
  private var engine: Engine
  private var isReady: [Bool]
  private var readyCount = 0
  /// Bytes that came in this window of time, and in the one before.
  private var byteCount = 0
  private var byteCountBefore = 0
  private var windowStart: UInt64 = 0
  private var spinning = SpinPolicy()
  private var forgedPace = ForgedPace()

  /// - Parameters:
  ///   - number: below the worker count of the engine's topology.
  ///   - tapDescriptors: by segment slot, to wait for.
  ///   - underlayDescriptor: to wait for.
  ///   - sealedDescriptor: of the engine's sealed port, to wait for.
  package init(
    number: Int, engine: consuming Engine, tapDescriptors: [Int32], underlayDescriptor: Int32,
    sealedDescriptor: Int32? = nil,
    onFailure: @escaping @Sendable (Failure) -> Void, onDoubtfulPath: @escaping @Sendable () -> Void = {},
    onFloodNews: @escaping @Sendable () -> Void = {}
  ) throws(Errno) {
    precondition(number >= 0 && number < engine.topology.gracePeriod.readerCount)
    self.number = number
    self.gracePeriod = engine.topology.gracePeriod
    self.engine = engine
    self.segmentCount = tapDescriptors.count
    self.pollDescriptors = tapDescriptors + [underlayDescriptor] + (sealedDescriptor.map { [$0] } ?? [])
    self.onFailure = onFailure
    self.onDoubtfulPath = onDoubtfulPath
    self.onFloodNews = onFloodNews
    self.isReady = Array(repeating: false, count: tapDescriptors.count + 2)
    self.poller = try Poller()
    for (token, descriptor) in pollDescriptors.enumerated() {
      try poller.add(descriptor, token: UInt64(token))
    }
  }

  package func start() throws(Errno) {
    thread = try SystemThread(named: "vtep-worker-\(number)") { [self] in run() }
  }

  /// Asks the thread to end after the batch that it is at.
  package func requestStop() {
    isStopping.store(true, ordering: .releasing)
    poller.wake()
  }

  /// Ends the thread and waits for it. What `post` was given meanwhile is still done.
  package func stop() {
    requestStop()
    thread?.join()
    thread = nil
    // Jobs use what the tables keep for readers, on whatever thread.
    gracePeriod.enter(reader: number)
    runJobs()
    gracePeriod.leave(reader: number)
  }

  /// Runs `body` on the worker's thread between two batches. The answer can be waited for `seconds` from now, so
  /// several workers can be at it at once; it is nil when the worker is stopped or held up for longer.
  package func ask<Result: Sendable>(
    within seconds: Int = 2, _ body: @escaping @Sendable (inout Engine) -> Result
  ) -> Answer<Result> {
    let answer = Answer<Result>(within: seconds)
    post { engine in answer.give(body(&engine)) }
    return answer
  }

  /// Runs `body` on the worker's thread between two batches, at the latest when the worker is stopped.
  package func post(_ body: @escaping @Sendable (inout Engine) -> Void) {
    jobs.withLock { $0.append(body) }
    hasJobs.store(true, ordering: .releasing)
    poller.wake()
  }

  /// Watches the TAP of the segment again after a failure was mended; that it still does is no failure.
  package func watch(segment slot: Int) throws(Errno) {
    do throws(Errno) {
      try poller.add(pollDescriptors[slot], token: UInt64(slot))
    } catch {
      // Of several workers one is first to notice that a device is gone; this one may not have noticed.
      if error.number != EEXIST { throw error }
    }
  }

  private func run() {
    var round = 0
    var lastWork: UInt64 = 0
    gracePeriod.enter(reader: number)
    defer { gracePeriod.leave(reader: number) }
    while !isStopping.load(ordering: .acquiring) {
      if readyCount == 0 || round % Self.roundsPerPoll == 0 {
        let wasIdle = readyCount == 0
        if wasIdle, !looksAgain(lastWork: lastWork) { sleep() } else { poll(milliseconds: 0) }
        if wasIdle, readyCount > 0 { spinning.noteWork() }
      }
      gracePeriod.pass(reader: number)
      round &+= 1
      if hasJobs.load(ordering: .acquiring) { runJobs() }
      if readyCount == 0 { continue }
      let now = Instant(nanoseconds: Clock.now())
      lastWork = now.nanoseconds
      if lastWork &- windowStart > Self.windowNanoseconds {
        byteCountBefore = lastWork &- windowStart > 2 * Self.windowNanoseconds ? 0 : byteCount
        byteCount = 0
        windowStart = lastWork
      }
      if isReady[segmentCount] { note(engine.stepUnderlay(now: now), token: segmentCount) }
      if isReady[segmentCount + 1], isTurnOfSealed() {
        let step = engine.stepSealed(now: now)
        note(step, token: segmentCount + 1)
        forgedPace.noteSealed(forgedCost: step.forgedCost)
      }
      for slot in 0..<segmentCount where isReady[slot] {
        // A round of many segments that flood to many peers may take seconds.
        if hasJobs.load(ordering: .acquiring) { runJobs() }
        note(engine.stepOverlay(segment: slot, now: now), token: slot)
      }
    }
  }

  /// After forged datagrams the other ports have their share first, as long as they are ready.
  private func isTurnOfSealed() -> Bool { readyCount == 1 || forgedPace.isTurn() }

  /// Waits until something comes. Meanwhile nobody waits for this worker to pass a boundary.
  private func sleep() {
    gracePeriod.leave(reader: number)
    poll(milliseconds: -1)
    gracePeriod.enter(reader: number)
  }

  private func looksAgain(lastWork: UInt64) -> Bool {
    spinning.looksAgain(
      idle: Clock.now() &- lastWork, isLittle: byteCount + byteCountBefore < Self.littleByteCount)
  }

  private func poll(milliseconds: Int32) {
    poller.wait(milliseconds: milliseconds) { token in
      let token = Int(token)
      if !isReady[token] {
        isReady[token] = true
        readyCount += 1
      }
    }
  }

  /// A port that had nothing is asked again only when the poller says so; one that failed, not before it is mended.
  private func note(_ step: Engine.Step, token: Int) {
    byteCount += step.byteCount
    forgedPace.noteOther(byteCount: step.byteCount)
    if step.isPathInDoubt { onDoubtfulPath() }
    if step.hasFloodNews { onFloodNews() }
    guard step.count == 0 || step.failure != 0 else { return }
    isReady[token] = false
    readyCount -= 1
    guard step.failure != 0 else { return }
    if token < segmentCount { poller.remove(pollDescriptors[token]) }
    onFailure(Failure(segment: token < segmentCount ? token : nil, number: step.failure))
  }

  // COLD
  private func runJobs() {
    hasJobs.store(false, ordering: .releasing)
    let waiting = jobs.withLock { jobs in
      defer { jobs.removeAll() }
      return jobs
    }
    for job in waiting { job(&engine) }
    if engine.takePathDoubt() { onDoubtfulPath() }
  }
}

/// The answer of a job, handed from the worker to the thread that waits for it.
package final class Answer<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let semaphore = DispatchSemaphore(value: 0)
  private let deadline: DispatchTime

  fileprivate init(within seconds: Int) {
    deadline = .now() + .seconds(seconds)
  }

  fileprivate func give(_ newValue: Value) {
    value.withLock { $0 = newValue }
    semaphore.signal()
  }

  /// The result; nil when it was not there in time. Once.
  package func wait() -> Value? {
    guard semaphore.wait(timeout: deadline) == .success else { return nil }
    return value.withLock { $0 }
  }
}
