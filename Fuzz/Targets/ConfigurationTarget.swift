@testable import Agent

/// The text of a configuration file.
final class ConfigurationTarget: FuzzTarget {
  static let name = "configuration"
  static let byteCountMax = 2_048

  static var seeds: [[UInt8]] {
    ConfigurationSeeds.texts.map { Array($0.utf8) }
  }

  init() {}

  func run(_ bytes: [UInt8]) {
    do {
      let configuration = try Configuration.parse(bytes: bytes, file: "f")
      let vnis = Set(configuration.segments.map(\.vni))
      require(vnis.count == configuration.segments.count, "a VNI twice")
      require(Set(configuration.peers.map(\.name)).count == configuration.peers.count, "a peer twice")
      let again = try? Configuration.parse(bytes: bytes, file: "f")
      require(again == configuration, "read twice, it says two things")
    } catch {
      let lineCount = 1 + bytes.count { $0 == 0x0A || $0 == 0x0D }
      require(!error.problems.isEmpty, "refused without a problem")
      for problem in error.problems {
        require((1...lineCount).contains(problem.line ?? 1), "line \(problem.line ?? 0) of \(lineCount)")
        require(!problem.message.isEmpty, "a problem without words")
      }
      require(error.description.utf8.count < 1 << 20, "an error of \(error.description.utf8.count) bytes")
    }
  }
}
