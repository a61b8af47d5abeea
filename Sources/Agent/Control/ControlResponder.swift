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

  /// Calls `completion` on `loop` with the answer, or never if `close` came first.
  func answer(
    _ request: ControlRequest, on loop: any EventLoop, completion: @escaping @Sendable (ControlResponse) -> Void
  ) {
    queue.async { [self] in
      guard isOpen.withLock({ $0 }) else { return }
      let response = handler(request)
      // Under the lock, since an event loop that has ended must not be given work.
      isOpen.withLock { open in
        if open { loop.execute { completion(response) } }
      }
    }
  }

  /// From its return on no event loop is given work. Does not wait for the handler.
  func close() {
    isOpen.withLock { $0 = false }
  }
}
