import Synchronization

/// What the control socket answers from: refusals until the agent runs, the agent's reports from then on.
///
/// So the socket can be claimed before anything is made. Any thread.
final class ControlGate: Sendable {
  private let api = Mutex<ControlAPI?>(nil)

  init() {}

  /// From its return on `api` answers.
  func open(_ api: ControlAPI) {
    self.api.withLock { $0 = api }
  }

  func answer(_ request: ControlRequest) -> ControlResponse {
    guard let api = api.withLock({ $0 }) else {
      return ControlResponse(
        failure: ControlError(.starting, "the agent is still starting; ask again when it has said that it is ready"))
    }
    return api.answer(request)
  }
}
