import CLinuxIO
import Glibc

/// What a system call answered when it failed, with the name of the call.
package struct Errno: Error, Hashable, Sendable {
  /// `EPERM` and its like.
  package let number: Int32
  /// The call, or the call and what it was for: `"TUNSETIFF"`, `"bind"`.
  package let call: String

  package init(_ number: Int32, _ call: String) {
    self.number = number
    self.call = call
  }

  /// The current thread's `errno`. To be read before anything else is called.
  package static func current(_ call: StaticString) -> Errno {
    Errno(errno, call.description)
  }
}

extension Errno: CustomStringConvertible {
  package var description: String { "\(call): \(String(cString: strerror(number)))" }
}
