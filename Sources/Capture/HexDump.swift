/// Bytes as tcpdump's -x and -X show them.
enum HexDump {
  private static let rowByteCount = 16

  /// A line for every 16 bytes, each begun with a line feed and a tab.
  static func of(_ bytes: borrowing Span<UInt8>, hasASCII: Bool) -> String {
    var text = ""
    for start in stride(from: 0, to: bytes.count, by: rowByteCount) {
      let end = min(start + rowByteCount, bytes.count)
      text += "\n\t0x\(FrameText.hex(UInt64(start), digits: 4)):  "
      for offset in start..<end {
        if offset > start, (offset - start) % 2 == 0 { text += " " }
        text += FrameText.hex(UInt64(bytes[offset]), digits: 2)
      }
      guard hasASCII else { continue }
      let width = 39
      let used = (end - start) * 2 + (end - start - 1) / 2
      text += String(repeating: " ", count: width - used + 2)
      for offset in start..<end {
        let byte = bytes[offset]
        text += (0x21...0x7E).contains(byte) ? String(UnicodeScalar(byte)) : "."
      }
    }
    return text
  }
}
