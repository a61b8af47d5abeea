import Glibc
import LinuxIO

/// Why nothing is captured, or no more. One sentence.
package struct CaptureFailure: Error, Equatable, CustomStringConvertible {
  package let description: String

  init(_ description: String) {
    self.description = description
  }

  static func wrapping<Value: ~Copyable>(_ call: () throws(Errno) -> Value) throws(CaptureFailure) -> Value {
    do {
      return try call()
    } catch {
      throw CaptureFailure("\(error)")
    }
  }
}
