import Foundation

/// Points whose product with every private key is known, in hexadecimal: those that WireGuard's own tests use, from the
/// file that the tests in namespaces have too.
enum LowOrderKeys {
  static let all: [String] = {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("namespaces/low-order-keys.txt")
    let lines = (try? String(contentsOf: file, encoding: .utf8))?.split(separator: "\n").map(String.init) ?? []
    precondition(lines.count == 7, "seven keys in \(file.path)")
    return lines
  }()
}
