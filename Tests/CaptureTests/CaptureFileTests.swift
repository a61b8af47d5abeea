import Capture
import Foundation
import Testing

@Suite struct CaptureFileTests {
  @Test func `What is no file is told with its name`() {
    #expect(throws: CaptureError("/nowhere/at/all: No such file or directory")) {
      _ = try CaptureFile(path: "/nowhere/at/all")
    }
  }

  @Test func `A file that is no capture is refused`() throws {
    let path = NSTemporaryDirectory() + "no-capture-\(UInt64.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data("this is no capture at all".utf8).write(to: URL(fileURLWithPath: path))
    #expect(throws: CaptureError.self) { _ = try CaptureFile(path: path) }
  }
}
