import Glibc
import Lab

/// How far long captures have been read: a line on standard error that is rewritten, on a terminal only.
struct VerifyProgress {
  /// Shorter files are done before anyone could look.
  private static let byteCountMin = 64 << 20
  private static let width = 30
  /// Of a file and of a packet in it: pcap-savefile(5). Other formats differ a little.
  private static let headerByteCount = 24
  private static let recordByteCount = 16

  private let byteCount: Int
  private var isShown = false

  /// - Parameter passCount: how often each is read.
  init(_ files: [String], passCount: Int = 1) {
    byteCount =
      passCount
      * files.reduce(0) { sum, file in
        var status = stat()
        return sum + (stat(file, &status) == 0 ? Int(status.st_size) : 0)
      }
  }

  var isLong: Bool { byteCount >= Self.byteCountMin }

  /// To be called now and then.
  /// - Parameter byteCount: of the packets.
  mutating func show(byteCount done: Int, packetCount: Int) {
    guard isLong, isatty(STDERR_FILENO) == 1 else { return }
    isShown = true
    let read = Self.headerByteCount + done + packetCount * Self.recordByteCount
    StandardStream.write("\r\u{1B}[K\(Self.bar(read, of: byteCount)) \(packetCount) packets", to: STDERR_FILENO)
  }

  /// Clears the line.
  mutating func end() {
    if isShown { StandardStream.write("\r\u{1B}[K", to: STDERR_FILENO) }
    isShown = false
  }

  static func bar(_ done: Int, of whole: Int) -> String {
    let share = whole == 0 ? 0 : min(1, Double(done) / Double(whole))
    let filled = Int(share * Double(width))
    return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
      + "] \(Int(share * 100)) %"
  }
}
