import Foundation
import Testing

/// The `vtep` that was built beside the bundle of the tests.
struct BuiltProgram {
  let path: String

  init() throws {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    path = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("vtep").path
    try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) is not built")
  }

  /// Runs a command to its end.
  func run(_ arguments: [String]) throws -> (status: Int32, output: String, message: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    let (output, message) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = message
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let complaint = message.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let texts = [text, complaint].map { String(decoding: $0, as: UTF8.self) }
    return (process.terminationStatus, texts[0], texts[1])
  }
}
