import Sealing
import Testing
import VXLAN

@testable import Agent

@Suite("Configuration of sealed segments")
struct ConfigurationSealingTests {
  private typealias Samples = SealingSamples

  @Test("the keys about sealing give the values that they name")
  func values() throws {
    let text = """
      local: {address: 192.0.2.1, sealed-port: 5790, private-key-file: /etc/vtep/private.key, psk-file: /etc/vtep/psk}
      segments: [{vni: 42, tap: vx42, sealed: true, cipher: chacha20poly1305}, {vni: 43, tap: vx43}]
      peers:
        - {name: b, address: 192.0.2.2, sealed-port: 6790, public-key: "\(Samples.peerPublicKey)", segments: [42]}
        - {name: c, address: 192.0.2.3, segments: [43]}
      """
    let configuration = try Configuration.parse(text, file: "f")
    #expect(configuration.local.sealedUDPPort == 5790)
    #expect(configuration.local.privateKeyFile?.path == "/etc/vtep/private.key")
    #expect(configuration.local.presharedKeyFile?.path == "/etc/vtep/psk")
    #expect(configuration.segments.map(\.sealed) == [true, false])
    #expect(configuration.cipherChoice == .named(.chacha20poly1305))
    let (b, c) = (configuration.peers[0], configuration.peers[1])
    #expect(b.sealedEndpoint.description == "192.0.2.2:6790")
    #expect(b.publicKey == PublicKey(base64: Samples.peerPublicKey) && c.publicKey == nil)
    #expect(configuration.hasSession(b) && !configuration.hasSession(c))
    let peers = SessionPeer.all(in: configuration, SealingSamples.slots(configuration))
    #expect(peers.map(\.name) == ["b"] && peers.map(\.slot) == [0])
  }

  @Test(
    "there is a session with every peer that has keys, whatever its segments, and with nobody without an own key",
    arguments: [
      ("private-key-file: /k", "sealed: true", ["b"]), ("private-key-file: /k", "sealed: false", ["b"]),
      ("port: 4789", "sealed: false", []),
    ])
  func sessions(local: String, segment: String, names: [String]) throws {
    let text = """
      local: {address: 192.0.2.1, \(local)}
      segments: [{vni: 42, tap: vx42, \(segment)}, {vni: 43, tap: vx43}]
      peers: [{name: a, address: 192.0.2.3, segments: [43]},
        {name: b, address: 192.0.2.2, public-key: \(Samples.peerPublicKey)}]
      """
    var configuration = try Configuration.parse(text, file: "f")
    #expect(configuration.peers.filter(configuration.hasSession).map(\.name) == names)
    let peers = SessionPeer.all(in: configuration, SealingSamples.slots(configuration))
    #expect(peers.map(\.name) == names && peers.map(\.slot) == names.map { _ in 1 })
    #expect(configuration.needsSealedPort == !names.isEmpty)
    #expect(configuration.hasPlainSegment(configuration.peers[1]))
    // Without them there is nobody to ask: the port is needed for sealed segments alone.
    configuration.peers = [configuration.peers[0]]
    #expect(configuration.needsSealedPort == (segment == "sealed: true"))
  }

  @Test("without them the sealed port is 4790, there is no key, and the cipher is what both ends have")
  func defaults() throws {
    let configuration = try Configuration.parse(ConfigurationSamples.full, file: "f")
    #expect(configuration.local.sealedUDPPort == 4790 && configuration.peers[0].sealedUDPPort == 4790)
    #expect(configuration.local.privateKeyFile == nil && configuration.local.presharedKeyFile == nil)
    #expect(!configuration.needsSealedPort && configuration.cipherChoice == .automatic)
  }

  static let accepted = [
    SealingSamples.local("private-key-file: /k"),
    SealingSamples.local("private-key-file: /k, sealed-port: 1"),
    SealingSamples.local("private-key-file: /k, sealed-port: 65535, port: 4790"),
    SealingSamples.segments("cipher: auto", "sealed: true, cipher: aes256gcm"),
    SealingSamples.segments("cipher: aegis128l", "sealed: true, cipher: aegis128l"),
    SealingSamples.segments("cipher: aegis128l", "sealed: false, cipher: aes256gcm"),
    SealingSamples.peers("- {name: b, address: 192.0.2.2, segments: [43]}"),
    SealingSamples.peers("- {name: b, address: 192.0.2.2, public-key: \(SealingSamples.peerPublicKey), port: 4791}"),
    SealingSamples.local("private-key-file: /k").replacing("peers:", with: "#"),
    ConfigurationSamples.local("private-key-file: /k, psk-file: /p"),
  ]

  @Test("what is allowed is accepted", arguments: accepted)
  func accepts(text: String) {
    do {
      _ = try Configuration.parse(text, file: "f.yaml")
    } catch {
      Issue.record("\(text)\n\(error)")
    }
  }

  @Test("a cipher that one sealed segment names is that of all, with its tag, and of no plain one")
  func overhead() throws {
    let text = Samples.segments("cipher: auto", "sealed: true, cipher: aegis128l")
    let configuration = try Configuration.parse(text, file: "f")
    #expect(configuration.cipherChoice == .named(.aegis128l))
    #expect(configuration.segments.map { configuration.overhead(of: $0).byteCount } == [90, 90])
    let plain = try Configuration.parse(Samples.segments("cipher: auto", "cipher: aegis128l"), file: "f")
    #expect(plain.cipherChoice == .automatic)
    #expect(plain.segments.map { plain.overhead(of: $0).byteCount } == [74, 50])
  }

  @Test("a peer whose segments are no list is told that, and not that it lacks a key for a sealed one")
  func wrongSegments() throws {
    let text = Samples.peers("- {name: b, address: 192.0.2.2, segments: 43}")
    let error = #expect(throws: ConfigurationError.self) { try Configuration.parse(text, file: "f") }
    let told = try #require(error).description
    #expect(told.contains("peers[].segments must be a list") && !told.contains("public-key"))
  }

  @Test("a key that is refused or stands in place of a file name is not shown")
  func hiddenKeys() throws {
    let secret = Samples.peerPrivateKey
    for text in [
      Samples.local("private-key-file: \"\(secret)\""), Samples.local("private-key-file: /k, psk-file: \"\(secret)\""),
      Samples.peers("- {name: b, address: 192.0.2.2, public-key: \"\(secret.dropLast())\"}"),
      // Written twice: nobody can tell that it is a private one.
      Samples.peers(
        ["b", "c"].enumerated().map {
          "- {name: \($1), address: 192.0.2.\($0 + 2), public-key: \"\(secret)\"}"
        }.joined(separator: "\n")),
    ] {
      let error = #expect(throws: ConfigurationError.self) { try Configuration.parse(text, file: "f") }
      #expect(try #require(error).description.contains(secret.prefix(20)) == false)
    }
  }
}

extension BrokenConfigurations {
  private typealias Samples = SealingSamples
  private static let key = SealingSamples.peerPublicKey

  /// What sealed segments can have wrong.
  static let sealing =
    [
      Sample(Samples.local("port: 4789"), 1, "local lacks the key private-key-file", "segment 42", "vtep genkey"),
      Sample(
        "local:\n  address: 192.0.2.1\nsegments:\n- {vni: 1, tap: a}\n- {vni: 2, tap: b, sealed: true}\n",
        2, "local lacks the key private-key-file", "segment 2"),
      Sample(
        Samples.peers("- {name: b, address: 192.0.2.2, public-key: \(key)}\n- name: c\n  address: 192.0.2.3"),
        5, "peers[] lacks the key public-key", "segment 42", "vtep pubkey"),
      Sample(
        Samples.peers(
          "- {name: b, address: 192.0.2.2, public-key: \(key)}\n- {name: c, address: 192.0.2.3, public-key: \(key)}"),
        5, "public key", "line 4", "unique"),
      Sample(Samples.segments("cipher: aes256gcm", "sealed: true, cipher: chacha20poly1305"), 3, "cipher", "line 2"),
      Sample(Samples.segments("cipher: rot13", "sealed: true"), 2, "rot13", "auto", "chacha20poly1305"),
      Sample(Samples.segments("cipher: AES256GCM", "sealed: true"), 2, "no cipher"),
      Sample(Samples.local("private-key-file: /k, port: 5000, sealed-port: 5000"), 1, "local.sealed-port", "4790"),
      Sample(Samples.local("private-key-file: /k, sealed-port: 4789"), 1, "local.sealed-port", "port too"),
      Sample(Samples.local("private-key-file: /k, sealed-port: 0"), 1, "1 to 65535"),
      Sample(Samples.local("private-key-file: /k, sealed-port: 65536"), 1, "1 to 65535"),
      Sample(ConfigurationSamples.peer("sealed-port: 4789"), 3, "peers[].sealed-port", "another"),
      Sample(ConfigurationSamples.peer("port: 7, sealed-port: 7"), 3, "peers[].sealed-port"),
      Sample(ConfigurationSamples.peer("public-key: abc"), 3, "no public key", "44 characters"),
      Sample(ConfigurationSamples.peer("public-key: \(key)A"), 3, "no public key"),
      Sample(Samples.local("private-key-file: [/k]"), 1, "private-key-file"),
      Sample(Samples.local("private-key-file: \"\(Samples.privateKey)\""), 1, "this is a key", "0600"),
      Sample(Samples.local("private-key-file: \"\""), 1, "empty"),
      Sample(ConfigurationSamples.local("psk-file: 7"), 1, "psk-file", "not text"),
    ]
    + Samples.lowOrderKeys.map {
      Sample(ConfigurationSamples.peer("public-key: \"\($0)\""), 3, "public-key", "low order")
    }
}
