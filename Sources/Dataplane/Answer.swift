import Dispatch
import Synchronization

/// The answer of a job, handed from the worker to the thread that waits for it.
package final class Answer<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let semaphore = DispatchSemaphore(value: 0)
  private let deadline: DispatchTime

  init(within seconds: Int) {
    deadline = .now() + .seconds(seconds)
  }

  func give(_ newValue: Value) {
    value.withLock { $0 = newValue }
    semaphore.signal()
  }

  /// The result; nil when it was not there in time. Once.
  package func wait() -> Value? {
    guard semaphore.wait(timeout: deadline) == .success else { return nil }
    return value.withLock { $0 }
  }
}
