/// One request on the control socket, after HTTP: the method, the path, the query and the body.
package struct ControlRequest: Equatable, Sendable {
  package let method: String
  /// Starts with `/`, percent-decoded, without the query.
  package let path: String
  /// Percent-decoded names and values; a name without `=` has an empty value.
  package let query: [String: String]
  package let body: [UInt8]

  /// Splits `target`, the request line's origin form (RFC 9112, section 3.2.1).
  /// - Throws: `bad-request` for another form or a broken percent sign; `bad-query` for a name given twice.
  package init(method: String, target: String, body: [UInt8] = []) throws(ControlError) {
    guard target.utf8.first == UInt8(ascii: "/") else {
      throw ControlError(.badRequest, "the request target must be a path such as /v1/status")
    }
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    self.method = method
    self.body = body
    self.path = try Self.decode(parts[0])
    self.query = parts.count == 2 ? try Self.parse(query: parts[1]) : [:]
  }

  /// `text` as the value of a key in a query: every byte that could mean something percent-encoded.
  package static func encode(_ text: String) -> String {
    text.utf8.map { byte in
      let character = Character(Unicode.Scalar(byte))
      guard !(character.isASCII && (character.isLetter || character.isNumber || "-._~".contains(character))) else {
        return String(character)
      }
      return (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
    }
    .joined()
  }

  private static func parse(query: Substring) throws(ControlError) -> [String: String] {
    var values: [String: String] = [:]
    for field in query.split(separator: "&") {
      let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = try decode(pair[0])
      let value = pair.count == 2 ? try decode(pair[1]) : ""
      guard values.updateValue(value, forKey: name) == nil else {
        throw ControlError(.badQuery, "the query names a key twice; each may stand once")
      }
    }
    return values
  }

  private static func decode(_ text: Substring) throws(ControlError) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = rest.prefix(2).compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
      guard digits.count == 2 else { throw ControlError(.badRequest, "a % in the target needs two hex digits") }
      rest = rest.dropFirst(2)
      bytes.append(UInt8(digits[0] << 4 | digits[1]))
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else {
      throw ControlError(.badRequest, "the request target must be UTF-8")
    }
    return decoded
  }
}
