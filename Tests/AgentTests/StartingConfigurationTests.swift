import Testing
import VXLAN

@testable import Agent
import Sealing

@Suite("starting configuration")
struct StartingConfigurationTests {
  private static func key() -> PublicKey {
    var entropy = SystemEntropy()
    return PrivateKey(from: &entropy).publicKey
  }

  private static func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  @Test("with an address and every peer it is right at once", arguments: ["192.0.2.", "2001:db8::"])
  func complete(prefix: String) throws {
    let peers = try [("b", 2), ("yes", 3), ("a\"b\\", 4)].map { name, number in
      StartingConfiguration.Peer(name: name, address: try Self.address("\(prefix)\(number)"), publicKey: Self.key())
    }
    let start = StartingConfiguration(
      address: try Self.address("\(prefix)1"), vni: VNI(unchecked: 16_777_215), privateKeyPath: "/a b/private.key",
      peers: peers)
    #expect(!start.text.contains(StartingConfiguration.mark))
    let configuration = try Configuration.parse(start.text, file: "x")
    #expect(configuration.peers.map(\.name) == peers.map(\.name) && configuration.segments[0].sealed)
    #expect(configuration.peers.map(\.publicKey) == peers.map(\.publicKey))
    #expect(configuration.local.privateKeyFile?.path == "/a b/private.key")
  }

  @Test("without, every problem is in a line that says so")
  func incomplete() throws {
    let start = StartingConfiguration(address: nil, vni: VNI(unchecked: 42), privateKeyPath: "/k", peers: [])
    let lines = start.text.split(separator: "\n", omittingEmptySubsequences: false)
    let error = #expect(throws: ConfigurationError.self) { try Configuration.parse(start.text, file: "x") }
    let problems = try #require(error).problems
    #expect(problems.count == 1)
    for problem in problems {
      let line = try #require(problem.line)
      #expect(lines[line - 1].contains(StartingConfiguration.mark) && lines[line - 1].contains("public-key"))
    }
    #expect(lines.count { $0.contains(StartingConfiguration.mark) } == 4)
  }

  @Test("a plain one needs no key, and its examples are a configuration")
  func plain() throws {
    let start = StartingConfiguration(address: nil, vni: VNI(unchecked: 7), privateKeyPath: nil, peers: [])
    let configuration = try Configuration.parse(start.text, file: "x")
    #expect(!configuration.segments[0].sealed && configuration.segments[0].tap == "vx7")
  }
}
