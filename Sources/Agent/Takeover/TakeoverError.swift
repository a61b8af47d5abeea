import LinuxIO

/// Why one agent does not take over from another. One sentence.
struct TakeoverError: Error, Equatable, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }

  init(_ error: Errno) {
    description = "\(error)"
  }
}
