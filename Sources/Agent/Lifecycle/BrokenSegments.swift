import Dataplane
import Synchronization

/// TAPs that failed and have not been mended. Noted by the worker, mended by the main thread.
final class BrokenSegments: Sendable {
  private struct State {
    var segments: Set<Int> = []
    var new: [Worker.Failure] = []
  }

  private let state = Mutex(State())

  /// Any thread.
  func note(_ failure: Worker.Failure) {
    state.withLock { state in
      if let segment = failure.segment { state.segments.insert(segment) }
      state.new.append(failure)
    }
  }

  /// Failures that were not taken before, in order.
  func takeNew() -> [Worker.Failure] {
    state.withLock { state in
      defer { state.new.removeAll() }
      return state.new
    }
  }

  /// Slots of the segments whose TAP is broken.
  var segments: [Int] { state.withLock { $0.segments.sorted() } }

  /// To be called before the TAP is watched again: a failure that the worker notes afterwards is a new one.
  func mended(_ segment: Int) {
    state.withLock { state in _ = state.segments.remove(segment) }
  }

  /// The TAP is broken after all, by nothing that the worker noted.
  func putBack(_ segment: Int) {
    state.withLock { state in _ = state.segments.insert(segment) }
  }
}
