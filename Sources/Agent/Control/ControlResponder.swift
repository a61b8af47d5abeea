import Dispatch
import NIOCore
import Synchronization

/// Runs the handler on a serial queue and brings its answers back to the event loop until closed.
final class ControlResponder: Sendable {
  /// A request and who awaits its answer.
  private struct Question: Sendable {
    let request: ControlRequest
    let loop: any EventLoop
    let deadline: DispatchTime
    let isAwaited: @Sendable () -> Bool
    let completion: @Sendable (ControlResponse) -> Void
    /// It was asked before, and has one of the places of those that wait.
    var isWaiting = false
  }

  /// Of the answers on their way.
  let answerBudget: AnswerBudget

  private let queue = DispatchQueue(label: "vtep.control.answers")
  private let handler: ControlServer.Handler
  private let waitingCountMax: Int
  private let isOpen = Mutex(true)
  /// Requests that will be asked again. Changed on the queue alone.
  private let waitingCount = Atomic<Int>(0)

  init(limits: ControlLimits, handler: @escaping ControlServer.Handler) {
    waitingCountMax = limits.waitingRequestCountMax
    answerBudget = AnswerBudget(byteCountMax: limits.unreadAnswerByteCountMax)
    self.handler = handler
  }

  /// Calls `completion` on `loop` with the answer, or never if `close` came first or nobody awaits it. A pending answer
  /// is asked for again until it is one, the time is over, or nobody awaits it; other requests are answered meanwhile.
  func answer(
    _ request: ControlRequest, on loop: any EventLoop, isAwaited: @escaping @Sendable () -> Bool = { true },
    completion: @escaping @Sendable (ControlResponse) -> Void
  ) {
    let deadline = DispatchTime.now() + .nanoseconds(Int(ControlLimits.pendingTime / .nanoseconds(1)))
    let question = Question(
      request: request, loop: loop, deadline: deadline, isAwaited: isAwaited, completion: completion)
    queue.async { [self] in ask(question) }
  }

  private func ask(_ question: Question) {
    guard isOpen.withLock({ $0 }) else { return }
    // Who has gone costs no answer: others wait behind it.
    guard question.isAwaited() else { return leave(question) }
    let response = handler(question.request)
    guard response.isPending, DispatchTime.now() < question.deadline else {
      leave(question)
      return answer(question, response)
    }
    guard question.isWaiting || takePlace() else { return answer(question, ControlResponse(failure: tooMany)) }
    var later = question
    later.isWaiting = true
    let pause = DispatchTime.now() + .nanoseconds(Int(ControlLimits.pendingPause / .nanoseconds(1)))
    queue.asyncAfter(deadline: pause) { [self, later] in ask(later) }
  }

  private func answer(_ question: Question, _ response: ControlResponse) {
    // Under the lock, since an event loop that has ended must not be given work.
    isOpen.withLock { open in
      if open { question.loop.execute { question.completion(response) } }
    }
  }

  private func takePlace() -> Bool {
    guard waitingCount.load(ordering: .relaxed) < waitingCountMax else { return false }
    waitingCount.add(1, ordering: .relaxed)
    return true
  }

  private func leave(_ question: Question) {
    if question.isWaiting { waitingCount.subtract(1, ordering: .relaxed) }
  }

  private var tooMany: ControlError {
    ControlError(
      .tooManyWaiting,
      "\(waitingCountMax) requests wait for events already, and nothing has happened yet; ask again in a second, or "
        + "end one of the others")
  }

  /// From its return on no event loop is given work. Does not wait for the handler.
  func close() {
    isOpen.withLock { $0 = false }
  }
}
