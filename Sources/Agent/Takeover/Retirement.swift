import Glibc
import Synchronization

/// How far this agent is with leaving everything to another. Any thread.
final class Retirement: Sendable {
  private struct State {
    var paused: PausedWorkers?
    var successor: pid_t?
    var isOver = false
    var onSuccession: (@Sendable (pid_t) -> Void)?
  }

  private let state = Mutex(State())

  /// Called, on another thread, when another process has everything, and before that one knows.
  func setOnSuccession(_ body: @escaping @Sendable (pid_t) -> Void) { state.withLock { $0.onSuccession = body } }

  var paused: PausedWorkers? { state.withLock { $0.paused } }

  func pause(_ paused: PausedWorkers?) { state.withLock { $0.paused = paused } }

  /// Lets the workers go on, if they stand.
  func resume() {
    let paused = state.withLock { state in
      defer { state.paused = nil }
      return state.paused
    }
    paused?.resume()
  }

  func noteSuccessor(_ pid: pid_t) {
    let tell = state.withLock { state in
      state.successor = pid
      return state.onSuccession
    }
    tell?(pid)
  }

  /// Who has everything now; nil: this process.
  var successor: pid_t? { state.withLock { $0.successor } }

  /// The other needs this process no more.
  func noteOver() { state.withLock { $0.isOver = true } }

  var isOver: Bool { state.withLock { $0.isOver } }
}
