import Dispatch
import Foundation

/// Runs the bodies at once, each in a thread of its own, and waits for all.
package func atOnce(_ bodies: [@Sendable () -> Void]) {
  let ended = DispatchSemaphore(value: 0)
  for body in bodies {
    Thread {
      body()
      ended.signal()
    }.start()
  }
  for _ in bodies { ended.wait() }
}
