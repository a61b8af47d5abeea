import Dispatch
import Synchronization

/// What other threads have the main thread do, one after the other.
///
/// *Threads.* `perform` any but the main thread, `run` the main thread.
final class MainThread: Sendable {
  /// How long whoever asks waits: many segments take their time to be made.
  static let answerTime: Duration = .seconds(20)

  private struct Job: Sendable {
    let state: Claim
    let body: @Sendable () -> Void
  }

  private let jobs = Mutex<[Job]>([])
  private let wake: @Sendable () -> Void

  /// - Parameter wake: makes the main thread call `run`; must not block.
  init(wake: @escaping @Sendable () -> Void) {
    self.wake = wake
  }

  /// What `body` answers on the main thread.
  /// - Throws: what it throws; `busy` when the time was over. What has not begun by then is not done.
  func perform<Value: Sendable>(
    within time: Duration = answerTime, _ body: @escaping @Sendable () throws(ControlError) -> Value
  ) throws(ControlError) -> Value {
    let (answer, done, claim) = (Handover<Result<Value, ControlError>?>(nil), DispatchSemaphore(value: 0), Claim())
    let job = Job(state: claim) {
      let result: Result<Value, ControlError>
      do throws(ControlError) {
        result = .success(try body())
      } catch {
        result = .failure(error)
      }
      answer.set(result)
      done.signal()
    }
    jobs.withLock { $0.append(job) }
    wake()
    if done.wait(timeout: .now() + .nanoseconds(Int(time / .nanoseconds(1)))) != .success, claim.withdraws() {
      throw ControlError(.busy, "the agent has other changes under way; nothing was changed, ask again")
    }
    guard let result = answer.value else {
      throw ControlError(.busy, "the agent is still at it; its log will say what came of it")
    }
    return try result.get()
  }

  /// Does what others have asked for since the last call.
  func run() {
    while let job = jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
      if job.state.begins() { job.body() }
    }
  }

  /// Who was first: the thread that does it or the one that does not wait any longer.
  private final class Claim: Sendable {
    private let isTaken = Atomic<Bool>(false)

    func begins() -> Bool { !isTaken.exchange(true, ordering: .acquiringAndReleasing) }
    func withdraws() -> Bool { begins() }
  }
}

/// A value that one thread sets and another gets.
private final class Handover<Value: Sendable>: Sendable {
  private let state: Mutex<Value>

  init(_ value: Value) {
    state = Mutex(value)
  }

  var value: Value { state.withLock { $0 } }
  func set(_ value: Value) { state.withLock { $0 = value } }
}
