import Dataplane

extension Worker {
  /// Runs `body` on the worker's thread between two batches and waits for its result; nil when it has not done so
  /// within `seconds`.
  func perform<Result: Sendable>(
    within seconds: Int = 2, _ body: @escaping @Sendable (inout Engine) -> Result
  ) -> Result? {
    ask(within: seconds, body).wait()
  }
}
