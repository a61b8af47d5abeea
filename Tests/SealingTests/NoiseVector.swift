import Foundation
import Testing

@testable import Sealing

/// A handshake of another implementation, of which this package has no copy: `noise/cacophony-subset.json` in
/// `$VTEP_VECTORS`, else in ../shared/vectors beside the package.
struct NoiseVector: Decodable, Sendable, CustomTestStringConvertible {
  struct Message: Decodable, Sendable {
    let payload: String
    let ciphertext: String
  }

  private struct File: Decodable {
    let vectors: [NoiseVector]
  }

  let protocolName: String
  let initPrologue: String
  let initPsks: [String]?
  let initStatic: String?
  let initEphemeral: String
  let initRemoteStatic: String?
  let respPrologue: String
  let respPsks: [String]?
  let respStatic: String?
  let respEphemeral: String
  let respRemoteStatic: String?
  let handshakeHash: String
  let messages: [Message]

  var testDescription: String { protocolName }

  static func all() throws -> [NoiseVector] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(File.self, from: Data(contentsOf: URL(fileURLWithPath: path))).vectors
  }

  /// False, so that the tests are skipped and say so, only where nobody asked for them. Where $VTEP_VECTORS names a
  /// folder, and in continuous integration, a missing file is a failure.
  static var isWanted: Bool {
    let environment = ProcessInfo.processInfo.environment
    return environment["VTEP_VECTORS"] != nil || environment["CI"] != nil
      || FileManager.default.fileExists(atPath: path)
  }
  static let comment: Comment = "no handshakes of other implementations here; set VTEP_VECTORS to their folder"

  private static var path: String {
    let file = "noise/cacophony-subset.json"
    if let folder = ProcessInfo.processInfo.environment["VTEP_VECTORS"], !folder.isEmpty { return "\(folder)/\(file)" }
    var root = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { root.deleteLastPathComponent() }
    return root.appendingPathComponent("../shared/vectors/\(file)").standardizedFileURL.path
  }
}
