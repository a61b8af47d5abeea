import CLinuxIO
import Glibc

/// A thread of the operating system, for work that never yields to a runtime.
package final class SystemThread: @unchecked Sendable {
  private var handle = pthread_t()

  /// Starts a thread that runs `body` once.
  /// - Parameter name: as `ps -L` and `top -H` show it, at most 15 bytes.
  /// - Throws: EAGAIN when the system has no room for another thread.
  package init(named name: String, _ body: @escaping @Sendable () -> Void) throws(Errno) {
    // SAFETY: the box is released by the thread that takes it over, or here when there is none.
    let box = Unmanaged.passRetained(Box(name: String(name.prefix(15)), body))
    let failure = pthread_create(
      &handle, nil,
      { argument in
        // SAFETY: the argument is the box that was retained above, once.
        if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, box.toOpaque())
    guard failure == 0 else {
      box.release()
      throw Errno(failure, "pthread_create")
    }
  }

  /// Waits until the thread has ended. Once, and not from the thread itself.
  package func join() {
    pthread_join(handle, nil)
  }

  private final class Box {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }

    func run() {
      _ = clinuxio_thread_set_name(name)
      body()
    }
  }
}
