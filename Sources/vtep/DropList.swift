import Agent
import Capture
import Glibc

/// The JSON Lines beside a capture file, `FILE.jsonl`: the packets that were dropped, with the reason. There is none
/// where nobody tells of drops.
final class DropList {
  private var path: String?
  private var descriptor: Int32 = -1

  deinit { if descriptor >= 0 { _ = Glibc.close(descriptor) } }

  /// From now on the packets stand in the capture file at `path`.
  func follow(_ path: String) {
    if descriptor >= 0 { _ = Glibc.close(descriptor) }
    descriptor = -1
    self.path = path == CaptureWriter.standardOutput ? nil : path + ".jsonl"
    // Of the file that stood there before.
    if let list = self.path { unlink(list) }
  }

  func append(_ record: PacketRecord) throws {
    guard let path else { return }
    if descriptor < 0 {
      descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw failure(path, errno) }
    }
    let line = try ReportJSON.encode(record)
    if let number = Output.write(line.span, to: descriptor) { throw failure(path, number) }
  }

  func close() throws {
    guard descriptor >= 0 else { return }
    defer { descriptor = -1 }
    guard Glibc.close(descriptor) == 0 else { throw failure(path ?? "", errno) }
  }

  private func failure(_ path: String, _ number: Int32) -> CaptureError {
    CaptureError("\(path): \(String(cString: strerror(number)))")
  }
}
