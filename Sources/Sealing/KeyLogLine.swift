import VXLAN

/// One line of a key log: the key that datagrams of one direction of a session are opened with.
///
///     VTEP_TRANSPORT_KEY 0abcd aes256gcm 3e5b…d1a9 2026-01-31T09:00:00.123Z 192.0.2.1:4790
///
/// Label, index (5 hex digits, chosen by the receiver), cipher, key in hex, when it was made (RFC 3339, UTC), and the
/// receiver's address and port, or `-` where it is not known. One space between; digits above 9 are written small.
/// - SeeAlso: docs/capture-keys.md.
package struct KeyLogLine: Sendable {
  static let label = "VTEP_TRANSPORT_KEY"
  /// Longer ones are refused unread: the longest that is written has under 200 bytes.
  static let byteCountMax = 512

  package let key: TransportKey
  /// RFC 3339, in UTC.
  package let time: String
  package let receiver: Endpoint?

  package init(_ key: TransportKey, time: String, receiver: Endpoint?) {
    self.key = key
    self.time = time
    self.receiver = receiver
  }

  /// The line with its newline.
  package var text: SecretText {
    var text = SecretText(byteCountMax: Self.byteCountMax)
    let index = String(key.index, radix: 16)
    let padding = String(repeating: "0", count: 5 - index.count)
    text.append("\(Self.label) \(padding)\(index) \(key.cipher.configurationName) ")
    withExtendedLifetime(key) {
      for byte in key.bytes {
        _ = text.append(HexDigit.character(byte >> 4)) && text.append(HexDigit.character(byte & 0xF))
      }
    }
    text.append(" \(time) \(receiver?.description ?? "-")\n")
    return text
  }

  /// Reads a line without its newline.
  /// - Throws: what is wrong with it, which never repeats any of it.
  package init(parsing line: Span<UInt8>) throws(KeyLogProblem) {
    guard line.count <= Self.byteCountMax else { throw .tooLong }
    let fields = Self.fields(of: line)
    guard let label = fields.first, Self.text(line, label) == Self.label else { throw .label }
    guard fields.count == 6 else { throw .fieldCount(fields.count) }
    guard let index = Self.index(line, fields[1]) else { throw .index }
    let name = Self.text(line, fields[2])
    guard let cipher = Cipher.allCases.first(where: { $0.configurationName == name }) else { throw .cipher }
    key = TransportKey(index: index, cipher: cipher, secret: try Self.secret(line, fields[3], for: cipher))
    time = Self.text(line, fields[4])
    guard Self.isTime(time.utf8) else { throw .time }
    receiver = try Self.receiver(Self.text(line, fields[5]))
  }

  /// Whether what is wrong with `line` may be that its end is missing.
  static func mayGoOn(_ line: Span<UInt8>, after problem: KeyLogProblem) -> Bool {
    switch problem {
    case .label: label.hasPrefix(text(line, 0..<min(line.count, byteCountMax)))
    case .fieldCount(let count): count < 6
    case .receiver: true
    default: false
    }
  }

  /// What stands between single spaces.
  private static func fields(of line: Span<UInt8>) -> [Range<Int>] {
    var fields: [Range<Int>] = []
    var start = 0
    for index in line.indices where line[index] == UInt8(ascii: " ") {
      fields.append(start..<index)
      start = index + 1
    }
    return fields + [start..<line.count]
  }

  private static func text(_ line: Span<UInt8>, _ field: Range<Int>) -> String {
    String(decoding: field.map { line[$0] }, as: UTF8.self)
  }

  private static func index(_ line: Span<UInt8>, _ field: Range<Int>) -> UInt32? {
    guard field.count == 5 else { return nil }
    var index: UInt32 = 0
    for position in field {
      guard let digit = HexDigit.value(line[position]) else { return nil }
      index = index << 4 | UInt32(digit)
    }
    return index
  }

  private static func secret(
    _ line: Span<UInt8>, _ field: Range<Int>, for cipher: Cipher
  ) throws(KeyLogProblem) -> SecretBytes {
    guard field.count == 2 * cipher.keyByteCount else { throw .keyLength(cipher) }
    let secret = SecretBytes(byteCount: cipher.keyByteCount)
    for index in 0..<cipher.keyByteCount {
      let position = field.lowerBound + 2 * index
      guard let high = HexDigit.value(line[position]), let low = HexDigit.value(line[position + 1]) else {
        throw .keyDigits
      }
      secret.bytes[index] = high << 4 | low
    }
    return secret
  }

  /// Whether it is `YYYY-MM-DDTHH:MM:SS`, perhaps a fraction, and `Z`.
  private static func isTime(_ text: String.UTF8View) -> Bool {
    let shape = "0000-00-00T00:00:00"
    guard text.count > shape.utf8.count, text.last == UInt8(ascii: "Z") else { return false }
    let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    let hasShape = zip(text, shape.utf8).allSatisfy { isDigit($1) ? isDigit($0) : $0 == $1 }
    let fraction = text.dropFirst(shape.utf8.count).dropLast()
    guard hasShape, let point = fraction.first else { return hasShape }
    return point == UInt8(ascii: ".") && fraction.count > 1 && fraction.dropFirst().allSatisfy(isDigit)
  }

  private static func receiver(_ text: String) throws(KeyLogProblem) -> Endpoint? {
    guard text != "-" else { return nil }
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
      throw .receiver
    }
    let host = text[..<colon]
    let isBracketed = host.first == "[" && host.last == "]"
    guard let address = IPAddress(String(isBracketed ? host.dropFirst().dropLast() : host)),
      isBracketed == (address.family == .ipv6)
    else { throw .receiver }
    return Endpoint(address: address, udpPort: port)
  }
}

/// Hexadecimal digits, without a table of secrets' places.
enum HexDigit {
  /// Nil for what is no digit.
  static func value(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// - Parameter value: 0...15.
  static func character(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}

extension SecretText {
  /// The caller has room for it.
  fileprivate mutating func append(_ text: String) {
    for byte in text.utf8 { _ = append(byte) }
  }
}
