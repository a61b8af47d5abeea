import Glibc

/// The names of the files of one capture, as tcpdump chooses them.
///
///     -C            FILE, FILE1, FILE2…
///     -C -W 10      FILE0 … FILE9, then FILE0 again
///     -G            FILE as a pattern of strftime(3), by the time at which each begins
package struct CaptureFileNames: Sendable {
  private let pattern: String
  /// Digits behind the name; 0: none before the second file.
  private let digitCount: Int
  private let isTimed: Bool

  /// - Parameter fileCountMax: of `-W`, together with `-C`; 0: none.
  package init(pattern: String, isTimed: Bool, fileCountMax: Int) {
    self.pattern = pattern
    self.isTimed = isTimed
    digitCount = fileCountMax > 1 ? String(fileCountMax - 1).count : 0
  }

  /// - Parameters:
  ///   - number: 0 is the first.
  ///   - time: seconds since 1970; local time is written.
  package func name(number: Int, time: Int) -> String {
    let base = isTimed ? Self.formatted(pattern, time) : pattern
    guard number > 0 || digitCount > 0 else { return base }
    let digits = String(number)
    return base + String(repeating: "0", count: max(0, digitCount - digits.count)) + digits
  }

  private static func formatted(_ pattern: String, _ time: Int) -> String {
    var (seconds, parts) = (time_t(time), tm())
    localtime_r(&seconds, &parts)
    var text = [CChar](repeating: 0, count: Int(PATH_MAX))
    let byteCount = strftime(&text, text.count, pattern, &parts)
    return byteCount == 0 ? pattern : String(decoding: text[..<byteCount].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
