import Foundation
import Glibc
import Sealing
import Testing

@testable import Agent

@Suite("Files with keys")
final class SecretFileTests {
  private let directory: ControlTestDirectory
  private var path: String { directory.path + "/key" }
  private let key = SealingSamples.privateKey

  init() throws {
    directory = try ControlTestDirectory()
  }

  private func write(_ text: String, mode: mode_t = 0o600) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    try #require(chmod(path, mode) == 0)
  }

  private func fault<Value>(_ read: () throws(ValueFault) -> Value) -> String? {
    do throws(ValueFault) {
      _ = try read()
      return nil
    } catch {
      return "\(error.wrong); \(error.right)"
    }
  }

  private func privateKeyFault(_ path: String? = nil) -> String? {
    fault { () throws(ValueFault) in try SecretFile.privateKey(path ?? self.path) }
  }

  @Test(
    "a key is read with the white space at its end that `wg` passes over too", arguments: ["", "\n", "\r\n", " \n\n\0"])
  func ends(end: String) throws {
    try write(key + end)
    let expected = try #require(PrivateKey(base64: key))
    #expect(try SecretFile.privateKey(path).isEqual(to: expected))
  }

  @Test(
    "what holds no key is refused by name",
    arguments: [
      ("", "is empty"), ("\n\n", "is empty"), ("nonsense", "no private key"),
      (" " + SealingSamples.privateKey, "no private"),
      (SealingSamples.privateKey + "A", "no private key"), (String(SealingSamples.privateKey.dropLast()), "no private"),
      (SealingSamples.privateKey + "\n" + SealingSamples.privateKey, "no private key"),
      (String(repeating: " ", count: 5_000), "longer than 4096"),
    ])
  func noKey(text: String, word: String) throws {
    try write(text)
    let told = try #require(privateKeyFault())
    #expect(told.contains(word) && told.contains(path) && !told.contains(key.prefix(20)), "\(told)")
  }

  @Test("a right of others or of the group is refused, 0600, 0400 and 0700 are not", arguments: Array(0..<64))
  func modes(others: Int) throws {
    try write(key, mode: 0o600 | mode_t(others))
    let told = privateKeyFault()
    #expect((told == nil) == (others == 0))
    if let told { #expect(told.contains("mode 06") && told.contains("chmod 600 \(path)")) }
    for mode: mode_t in [0o400, 0o700] {
      try write(key, mode: mode)
      #expect(privateKeyFault() == nil)
    }
  }

  @Test("what is missing, a directory, a pipe or a device is refused without waiting")
  func noFile() throws {
    #expect(privateKeyFault()?.contains("does not exist") == true)
    #expect(privateKeyFault("/tmp")?.contains("is a directory") == true)
    try #require(mkfifo(path, 0o600) == 0)
    #expect(privateKeyFault()?.contains("no regular file") == true)
    #expect(privateKeyFault("/dev/zero")?.contains("no regular file") == true)
  }

  @Test(
    "another user's key is refused, by root too: who owns it can read and replace it",
    .enabled(if: geteuid() == 0, "giving a file to another user needs root"))
  func owner() throws {
    try write(key)
    try #require(chown(path, 65_534, 65_534) == 0)
    #expect(privateKeyFault()?.contains("belongs to user 65534") == true)
    try #require(chmod(path, 0o640) == 0)
    #expect(privateKeyFault()?.contains("mode 0640") == true)
  }

  @Test("everybody reads the own keys and root's, and not another user's")
  func owners() {
    #expect(SecretFile.mayRead(fileOf: 1_000, as: 1_000) && SecretFile.mayRead(fileOf: 0, as: 1_000))
    #expect(!SecretFile.mayRead(fileOf: 1_001, as: 1_000))
    #expect(!SecretFile.mayRead(fileOf: 1_000, as: 0) && SecretFile.mayRead(fileOf: 0, as: 0))
  }

  @Test(
    "root reads for the user that the agent is to become what is that user's, and refuses what is root's",
    .enabled(if: geteuid() == 0, "giving a file to another user needs root"))
  func readFor() throws {
    try write(key)
    let told = fault { () throws(ValueFault) in try SecretFile.privateKey(path, for: 65_534) }
    #expect(told?.contains("belongs to user 0, and the agent runs as user 65534") == true, "\(told ?? "accepted")")
    try #require(chown(path, 65_534, 65_534) == 0)
    #expect(fault { () throws(ValueFault) in try SecretFile.privateKey(path, for: 65_534) } == nil)
  }

  @Test("one or two pre-shared keys are read in their order")
  func presharedKeys() throws {
    let (first, second) = (SealingSamples.privateKey, SealingSamples.peerPrivateKey)
    let ids = try [first, second].map { try #require(PresharedKey(base64: $0)).id }
    try write("\(first)\n")
    #expect(try SecretFile.presharedKeys(path).map(\.id) == [ids[0]])
    try write("\(second) \r\n\(first)")
    #expect(try SecretFile.presharedKeys(path).map(\.id) == [ids[1], ids[0]])
  }

  @Test("a third line, an empty one between keys and one that is no key are refused by number")
  func badPresharedKeys() throws {
    for (text, word) in [
      ("\(key)\n\(key)\n\(key)\n", "has 3 lines"), ("\(key)\n\n\(key)", "has 3 lines"), ("\n\(key)", "line 1"),
      ("\(key)\nx", "line 2"),
    ] {
      try write(text)
      let told = try #require(fault { () throws(ValueFault) in try SecretFile.presharedKeys(path) })
      #expect(told.contains(word) && !told.contains(key.prefix(20)), "\(told)")
    }
  }
}

@Suite("Secrets of a configuration")
final class LocalSecretsTests {
  private let directory: ControlTestDirectory
  private let all = HostCiphers(available: CipherMask(Cipher.allCases), working: CipherMask(Cipher.allCases))

  init() throws {
    directory = try ControlTestDirectory()
  }

  private func write(_ text: String, _ name: String) throws -> String {
    let path = directory.path + "/" + name
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    try #require(chmod(path, 0o600) == 0)
    return path
  }

  private func problems(_ text: String, _ ciphers: HostCiphers) throws -> String? {
    let configuration = try Configuration.parse(text, file: "f.yaml")
    do {
      _ = try configuration.secrets(file: "f.yaml", ciphers: ciphers)
      return nil
    } catch {
      return error.description
    }
  }

  @Test("keys are read from the files that the configuration names")
  func keys() throws {
    let files = try (write(SealingSamples.privateKey + "\n", "k"), write(SealingSamples.peerPrivateKey, "p"))
    let text = SealingSamples.local("private-key-file: \(files.0), psk-file: \(files.1)")
    let secrets = try #require(try Configuration.parse(text, file: "f").secrets(file: "f", ciphers: all))
    #expect(secrets.privateKey.publicKey.base64 == SealingSamples.publicKey)
    #expect(secrets.presharedKeys.count == 1)
    let plain = try Configuration.parse(ConfigurationSamples.full, file: "f")
    #expect(try plain.secrets(file: "f", ciphers: all) == nil)
  }

  @Test("both files are judged, each at its line, also where no segment is sealed")
  func lines() throws {
    let text = "local:\n  address: 192.0.2.1\n  psk-file: /nonexistent/p\n  private-key-file: /tmp\nsegments: []\n"
    let told = try #require(try problems(text, all))
    #expect(
      told.split(separator: "\n").map { $0.split(separator: ";")[0] } == [
        "f.yaml:3: local.psk-file: /nonexistent/p does not exist",
        "f.yaml:4: local.private-key-file: /tmp is a directory",
      ])
  }

  @Test("the own public key at a peer is refused at its line")
  func ownKey() throws {
    let file = try write(SealingSamples.peerPrivateKey, "k")
    let told = try problems(SealingSamples.local("private-key-file: \(file)"), all)
    #expect(told?.hasPrefix("f.yaml:3: peers[].public-key: this is the own public key") == true)
  }

  @Test("the own private key in place of a peer's public one is refused at its line, and not shown")
  func ownPrivateKey() throws {
    let file = try write(SealingSamples.privateKey, "k")
    let text = SealingSamples.local("private-key-file: \(file)").replacing(
      SealingSamples.peerPublicKey, with: SealingSamples.privateKey)
    let told = try #require(try problems(text, all))
    #expect(told.hasPrefix("f.yaml:3: peers[].public-key: this is the own private key"))
    #expect(!told.contains(SealingSamples.privateKey.prefix(20)))
  }

  @Test("a cipher that this host lacks is refused at its line with the reason, by name and not with auto")
  func missingCipher() throws {
    let file = try write(SealingSamples.privateKey, "k")
    let poor = HostCiphers(
      available: CipherMask([.chacha20poly1305]), working: CipherMask([.chacha20poly1305]))
    for (cipher, word) in [("aegis128l", "libsodium 1.0.19"), ("aes256gcm", "AES in hardware")] {
      let text = SealingSamples.segments("cipher: auto", "sealed: true, cipher: \(cipher)").replacing("/k", with: file)
      let told = try problems(text, poor)
      #expect(
        told?.hasPrefix("f.yaml:3: segments[].cipher: \(cipher) cannot be had") == true && told?.contains(word) == true)
      #expect(try problems(text, all) == nil)
    }
    #expect(try problems(SealingSamples.local("private-key-file: \(file)"), poor) == nil)
  }
}
