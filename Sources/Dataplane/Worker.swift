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
  let poller: Poller
  /// Of the TAPs, by segment slot; nil: the slot is vacant.
  let tapDescriptors: Mutex<[Int: Int32]>
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
  private let progressWord = ProgressWord()
  private var thread: SystemThread?

  /// Of the poller: of the underlay, of the sealed port, and of the TAP of the first slot.
  static let underlayToken = 0
  static let sealedToken = 1
  static let firstTAPToken = 2

  // The worker thread's own, once it runs.
  private var engine: Engine
  /// One above the last slot that has a segment.
  var segmentEnd: Int
  /// By token.
  var isReady = Array(repeating: false, count: Limits.segmentSlotCount + firstTAPToken)
  var readyCount = 0
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
    self.segmentEnd = tapDescriptors.count
    self.tapDescriptors = Mutex(Dictionary(uniqueKeysWithValues: tapDescriptors.enumerated().map { ($0, $1) }))
    self.onFailure = onFailure
    self.onDoubtfulPath = onDoubtfulPath
    self.onFloodNews = onFloodNews
    self.poller = try Poller()
    try poller.add(underlayDescriptor, token: UInt64(Self.underlayToken))
    if let sealedDescriptor { try poller.add(sealedDescriptor, token: UInt64(Self.sealedToken)) }
    for (slot, descriptor) in tapDescriptors.enumerated() { try poller.add(descriptor, token: Self.token(slot)) }
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

  /// How far the worker has come. Any thread.
  package var progress: WorkerProgress { progressWord.reading }

  /// Has a worker that sleeps look for work once, which counts. Any thread.
  package func nudge() { poller.wake() }

  /// Watches the TAP of the segment again after a failure was mended; that it still does is no failure.
  package func watch(segment slot: Int) throws(Errno) {
    guard let descriptor = tapDescriptors.withLock({ $0[slot] }) else { return }
    do throws(Errno) {
      try poller.add(descriptor, token: Self.token(slot))
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
      progressWord.advance()
      round &+= 1
      if hasJobs.load(ordering: .acquiring) { runJobs() }
      if readyCount == 0 { continue }
      var now = Instant(nanoseconds: Clock.now())
      lastWork = now.nanoseconds
      if lastWork &- windowStart > Self.windowNanoseconds {
        byteCountBefore = lastWork &- windowStart > 2 * Self.windowNanoseconds ? 0 : byteCount
        byteCount = 0
        windowStart = lastWork
      }
      if isReady[Self.underlayToken] { note(engine.stepUnderlay(now: now), token: Self.underlayToken) }
      if isReady[Self.sealedToken], isTurnOfSealed() {
        let step = engine.stepSealed(now: now)
        note(step, token: Self.sealedToken)
        forgedPace.noteSealed(forgedCost: step.forgedCost)
      }
      for token in Self.firstTAPToken..<Self.firstTAPToken + segmentEnd where isReady[token] {
        // A round of many segments that flood to many peers may take seconds.
        if hasJobs.load(ordering: .acquiring) {
          runJobs()
          // A job may have held it up for seconds.
          now = Instant(nanoseconds: Clock.now())
        }
        // A job may have taken the segment away.
        guard isReady[token] else { continue }
        note(engine.stepOverlay(segment: token - Self.firstTAPToken, now: now), token: token)
      }
    }
  }

  /// After forged datagrams the other ports have their share first, as long as they are ready.
  private func isTurnOfSealed() -> Bool { readyCount == 1 || forgedPace.isTurn() }

  /// Waits until something comes. Meanwhile nobody waits for this worker to pass a boundary.
  private func sleep() {
    gracePeriod.leave(reader: number)
    progressWord.rest()
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
      // A TAP that is prepared, but of a slot that was not adopted yet, is told of again.
      if token < Self.firstTAPToken + segmentEnd, !isReady[token] {
        isReady[token] = true
        readyCount += 1
      }
    }
  }

  /// A port that had nothing is asked again only when the poller says so; one that failed, not before it is mended.
  private func note(_ step: Engine.Step, token: Int) {
    progressWord.advance()
    byteCount += step.byteCount
    forgedPace.noteOther(byteCount: step.byteCount)
    if step.isPathInDoubt { onDoubtfulPath() }
    if step.hasFloodNews { onFloodNews() }
    guard step.count == 0 || step.failure != 0 else { return }
    isReady[token] = false
    readyCount -= 1
    guard step.failure != 0 else { return }
    let segment = token >= Self.firstTAPToken ? token - Self.firstTAPToken : nil
    if let segment, let descriptor = tapDescriptors.withLock({ $0[segment] }) { poller.remove(descriptor) }
    onFailure(Failure(segment: segment, number: step.failure))
  }

  static func token(_ segment: Int) -> UInt64 { UInt64(segment + firstTAPToken) }

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
