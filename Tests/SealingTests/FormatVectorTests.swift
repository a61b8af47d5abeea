import Foundation
import Testing

@testable import Sealing

@Suite("Vector of docs/sealing-format.md")
struct FormatVectorTests {
  private static var page: URL {
    var root = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { root.deleteLastPathComponent() }
    return root.appendingPathComponent("docs/sealing-format.md")
  }

  /// The lines between ```vector and ```.
  private func parts(_ text: String) throws -> (before: Substring, vector: Substring, after: Substring) {
    let start = try #require(text.range(of: "```vector\n"))
    let end = try #require(text.range(of: "\n```", range: start.upperBound..<text.endIndex))
    return (text[..<start.upperBound], text[start.upperBound..<end.lowerBound], text[end.lowerBound...])
  }

  @Test(
    "the page has what the code computes; VTEP_REGENERATE=1 writes it anew",
    .enabled(if: Cipher.aes256gcm.isAvailable, "this processor has no AES, which libsodium wants for AES-GCM"))
  func page() throws {
    let text = try String(contentsOf: Self.page, encoding: .utf8)
    let parts = try parts(text)
    let vector = try FormatVector().text
    if ProcessInfo.processInfo.environment["VTEP_REGENERATE"] == "1" {
      try (parts.before + vector + parts.after).write(to: Self.page, atomically: true, encoding: .utf8)
    } else {
      #expect(parts.vector == vector, "VTEP_REGENERATE=1 writes the vector anew; then read the difference")
    }
  }
}
