import Dispatch
import NIOCore
import Synchronization

/// Runs the handler on a serial queue and brings its answers back to the event loop until closed.
final class ControlResponder: Sendable {
  private let queue = DispatchQueue(label: "vtep.control.answers")
  private let handler: ControlServer.Handler
  private let isOpen = Mutex(true)

  init(handler: @escaping ControlServer.Handler) {
    self.handler = handler
  }

  /// Calls `completion` on `loop` with the answer, or never if `close` came first. A pending answer is asked for again
  /// until it is one, the time is over, or nobody awaits it; other requests are answered meanwhile.
  func answer(
    _ request: ControlRequest, on loop: any EventLoop, isAwaited: @escaping @Sendable () -> Bool = { true },
    completion: @escaping @Sendable (ControlResponse) -> Void
  ) {
    let deadline = DispatchTime.now() + .nanoseconds(Int(ControlLimits.pendingTime / .nanoseconds(1)))
    queue.async { [self] in ask(request, on: loop, until: deadline, isAwaited, completion) }
  }

  private func ask(
    _ request: ControlRequest, on loop: any EventLoop, until deadline: DispatchTime,
    _ isAwaited: @escaping @Sendable () -> Bool, _ completion: @escaping @Sendable (ControlResponse) -> Void
  ) {
    guard isOpen.withLock({ $0 }) else { return }
    let response = handler(request)
    guard !response.isPending || DispatchTime.now() >= deadline || !isAwaited() else {
      let pause = DispatchTime.now() + .nanoseconds(Int(ControlLimits.pendingPause / .nanoseconds(1)))
      return queue.asyncAfter(deadline: pause) { [self] in
        ask(request, on: loop, until: deadline, isAwaited, completion)
      }
    }
    // Under the lock, since an event loop that has ended must not be given work.
    isOpen.withLock { open in
      if open { loop.execute { completion(response) } }
    }
  }

  /// From its return on no event loop is given work. Does not wait for the handler.
  func close() {
    isOpen.withLock { $0 = false }
  }
}
