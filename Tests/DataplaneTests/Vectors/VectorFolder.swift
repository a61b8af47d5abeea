import Foundation
import TestKit
import Testing

/// The folder with the captures of other implementations, which is not part of the package: `$VTEP_VECTORS`, else
/// ../shared/vectors beside the package. A test that finds no file there fails and says where it looked.
enum VectorFolder {
  /// A file that could not be read.
  struct Missing: Error, CustomStringConvertible {
    let path: String
    let reason: String

    var description: String {
      "\(path): \(reason). This test needs the captures of other implementations: set VTEP_VECTORS to the folder that "
        + "has tcpdump/, ovs/ and gopacket/ in it."
    }
  }

  /// False, so that the tests are skipped and say so, only where nobody asked for them: the folder is not part of the
  /// package. Where $VTEP_VECTORS names one, and in continuous integration, a missing folder is a failure.
  static var isWanted: Bool {
    let environment = ProcessInfo.processInfo.environment
    return environment["VTEP_VECTORS"] != nil || environment["CI"] != nil
      || FileManager.default.fileExists(atPath: path)
  }
  static let comment: Comment = "no captures of other implementations here; set VTEP_VECTORS to their folder"

  private static var path: String {
    if let path = ProcessInfo.processInfo.environment["VTEP_VECTORS"], !path.isEmpty { return path }
    var root = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { root.deleteLastPathComponent() }
    return root.appendingPathComponent("../shared/vectors").standardizedFileURL.path
  }

  static func data(_ name: String) throws -> Data {
    let path = "\(path)/\(name)"
    do {
      return try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw Missing(path: path, reason: error.localizedDescription)
    }
  }

  static func bytes(_ name: String) throws -> [UInt8] { Array(try data(name)) }

  static func text(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }

  /// The packets of a capture, taken apart.
  static func datagrams(_ name: String) throws -> [OuterDatagram] {
    try CaptureFile(parsing: bytes(name)).packets.map(OuterDatagram.init(parsing:))
  }
}
