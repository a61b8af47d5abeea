import Sealing
import VXLAN

/// The text of a key log, and a datagram that its keys are tried on.
///
///     bytes 0..1  of the datagram, how many bytes it has
///     then        the datagram; the rest is the text
final class KeyLogTarget: FuzzTarget {
  static let name = "key-log"
  static let byteCountMax = 2_048
  /// More do not fit into an input.
  private static let datagramByteCountMax = 1 << 16

  static var seeds: [[UInt8]] {
    let header: [UInt8] = [0x0C, 0, 0, 0xFE, 0, 0, 42, 0, 0, 0x0A, 0xBC, 0, 0, 0, 0, 1]
    let datagram = FuzzInput.piece(header + Array(repeating: 7, count: 40))
    let keys = String(repeating: "5a", count: 32)
    let texts = [
      "# a key log\n\nVTEP_TRANSPORT_KEY 00abc aes256gcm \(keys) 2026-01-31T09:00:00.123Z 192.0.2.1:4790\n",
      "VTEP_TRANSPORT_KEY 00abc chacha20poly1305 \(keys) 2026-01-31T09:00:00Z [fd00::1]:4790\n",
      "VTEP_TRANSPORT_KEY fffff aegis128l \(keys.prefix(32)) 2026-01-31T09:00:00Z -\nVTEP_TRANSP",
      "VTEP_TRANSPORT_KEY 00abc aes256gcm \(keys) 2026-01-31T09:00:00Z",
    ]
    return texts.map { datagram + Array($0.utf8) }
  }

  private var plaintext = [UInt8](repeating: 0, count: datagramByteCountMax)

  init() {}

  func run(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let datagram = input.piece()
    let text = Array(input.rest)
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for line in lines { judge(line: Array(line)) }
    do {
      let ring = try KeyRing(parsing: text, file: "f")
      require(ring.keyCount <= lines.count, "\(ring.keyCount) keys of \(lines.count) lines")
      judge(ring, datagram)
    } catch {
      require((1...lines.count).contains(error.line), "line \(error.line) of \(lines.count)")
      require(!"\(error)".isEmpty, "refused without a word")
    }
  }

  /// What was read is written so that it is read again.
  private func judge(line: [UInt8]) {
    guard let read = try? KeyLogLine(parsing: line.span) else { return }
    let written = Self.bytes(of: read)
    require(written.last == UInt8(ascii: "\n"), "a line without its end")
    guard let again = try? KeyLogLine(parsing: Array(written.dropLast()).span) else {
      return require(false, "what was written cannot be read")
    }
    require(again.time == read.time && again.receiver == read.receiver, "read again, it says something else")
    require(Self.bytes(of: again) == written, "written twice, it is two lines")
  }

  private static func bytes(of line: KeyLogLine) -> [UInt8] {
    line.text.withBytes { span in span.indices.map { span[$0] } }
  }

  /// Nobody has sealed it.
  private func judge(_ ring: KeyRing, _ datagram: [UInt8]) {
    let verdict = datagram.withUnsafeBytes { bytes in
      plaintext.withUnsafeMutableBytes { room -> KeyRing.Verdict in
        guard let start = bytes.baseAddress, let to = room.baseAddress else { return .framing }
        return ring.open(start, byteCount: bytes.count, into: to)
      }
    }
    switch verdict {
    case .opened: require(false, "what nobody sealed was opened")
    case .failed: require(ring.keyCount > 0, "no key failed")
    case .noKey, .framing: break
    }
  }
}
