/// What is wrong with a line of a key log.
package enum KeyLogProblem: Error, Equatable, CustomStringConvertible {
  case tooLong
  case label
  case fieldCount(Int)
  case index
  case cipher
  case keyLength(Cipher)
  case keyDigits
  case time
  case receiver
  /// Of the whole file: more keys than are kept.
  case tooManyKeys

  package var description: String {
    switch self {
    case .tooLong: "longer than \(KeyLogLine.byteCountMax) bytes"
    case .label: "no line of a key log begins so; \(KeyLogLine.label) or # is expected"
    case .fieldCount(let count): "\(count) fields with one space between, where there are to be 6"
    case .index: "the index is to be 5 hexadecimal digits"
    case .cipher: "unknown cipher; there are \(Cipher.allCases.map(\.configurationName).joined(separator: ", "))"
    case .keyLength(let cipher):
      "a key of \(cipher.configurationName) has \(2 * cipher.keyByteCount) hexadecimal digits"
    case .keyDigits: "the key is not hexadecimal"
    case .time: "the time is to be as 2026-01-31T09:00:00Z"
    case .receiver: "the receiver is to be ADDRESS:PORT, [ADDRESS]:PORT or -"
    case .tooManyKeys: "more than \(KeyRing.keyCountMax) keys; split the log"
    }
  }
}

/// Why a key log cannot be read. It never shows any of the file.
package struct KeyLogError: Error, Equatable, CustomStringConvertible {
  package let file: String
  /// From 1.
  package let line: Int
  package let problem: KeyLogProblem

  package var description: String { "\(file):\(line): \(problem)" }
}
