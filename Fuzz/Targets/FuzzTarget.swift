import Glibc

/// A parser, or a way through the data path, with what must hold for any bytes.
///
/// A rule that is broken ends the process, as a trap does; libFuzzer keeps the input.
protocol FuzzTarget: AnyObject {
  static var name: String { get }
  /// Of its longest input.
  static var byteCountMax: Int { get }
  /// Valid inputs of every kind, which the corpus begins with.
  static var seeds: [[UInt8]] { get }

  init()
  func run(_ bytes: [UInt8])
}

/// Ends the process where a rule is broken.
func require(_ isTrue: Bool, _ rule: @autoclosure () -> String, file: StaticString = #file, line: UInt = #line) {
  guard !isTrue else { return }
  // Optimised, a precondition says nothing.
  let text = Array("\(file):\(line): broken rule: \(rule())\n".utf8)
  _ = write(STDERR_FILENO, text, text.count)
  preconditionFailure("a rule is broken")
}

/// Takes numbers and pieces from the front of an input; zeros when there are no more.
struct FuzzInput {
  private(set) var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }
  mutating func word() -> UInt16 { UInt16(byte()) << 8 | UInt16(byte()) }

  mutating func bytes(_ count: Int) -> [UInt8] {
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  /// As many as the next two bytes say, or all that are left.
  mutating func piece() -> [UInt8] { bytes(Int(word())) }

  /// As `piece` reads it.
  static func piece(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
  }
}
