import Sealing
import Testing

@testable import Agent

@Suite("Start of sealed segments")
struct SealingStartTests {
  private static let usual: [Cipher] = [.aes256gcm, .chacha20poly1305]
  private let configuration: Configuration
  private let secrets: LocalSecrets

  init() throws {
    configuration = try Configuration.parse(SealingSamples.local("private-key-file: /k"), file: "f")
    let key = try #require(PrivateKey(base64: SealingSamples.privateKey))
    secrets = LocalSecrets(privateKey: key, presharedKeys: [])
  }

  private func refusal(_ ciphers: HostCiphers, _ secrets: LocalSecrets?) -> AgentError? {
    do throws(AgentError) {
      _ = try SealingStart.localEnd(for: configuration, secrets: secrets, ciphers: ciphers)
      return nil
    } catch {
      return error
    }
  }

  @Test("with a key and working ciphers there is a local end, and none without a sealed segment and peers with keys")
  func starts() throws {
    let ciphers = HostCiphers(available: CipherMask(Self.usual), working: CipherMask(Self.usual))
    let local = try SealingStart.localEnd(for: configuration, secrets: secrets, ciphers: ciphers)
    #expect(local?.available == CipherMask(Self.usual))
    let plain = try Configuration.parse(ConfigurationSamples.full, file: "f")
    #expect(try SealingStart.localEnd(for: plain, secrets: secrets, ciphers: ciphers) == nil)
    let nothing = HostCiphers(available: [], working: [])
    #expect(try SealingStart.localEnd(for: plain, secrets: nil, ciphers: nothing) == nil)
  }

  @Test("without a key the configuration is refused: 78")
  func noKey() throws {
    let error = try #require(refusal(.probe(), nil))
    #expect(error.exitStatus == 78)
  }

  @Test("a cipher that would be offered and fails its self-test stops the start, with status 1", arguments: usual)
  func brokenCipher(cipher: Cipher) throws {
    let working = CipherMask(Self.usual.filter { $0 != cipher })
    let error = try #require(refusal(HostCiphers(available: CipherMask(Self.usual), working: working), secrets))
    #expect(error.exitStatus == 1 && error.message.contains(cipher.configurationName))
    #expect(error.message.contains("self-test"))
  }

  @Test("a broken cipher that is never offered stops nothing, no cipher at all does")
  func otherCiphers() throws {
    #expect(
      refusal(HostCiphers(available: CipherMask(Cipher.allCases), working: CipherMask(Self.usual)), secrets) == nil)
    #expect(refusal(HostCiphers(available: [], working: []), secrets)?.exitStatus == 1)
  }

  @Test("what lacks for plain segments alone is told, and they do without sessions; for a sealed one it ends the start")
  func plainAlone() throws {
    let text = SealingSamples.local("private-key-file: /k").replacing("sealed: true", with: "sealed: false")
    let plain = try Configuration.parse(text, file: "f")
    let works = HostCiphers(available: CipherMask(Self.usual), working: CipherMask(Self.usual))
    let fails = HostCiphers(available: CipherMask(Self.usual), working: [])
    for (configuration, ciphers, outcome) in [
      (plain, works, "local end"), (plain, fails, "told"), (configuration, fails, "refused"),
    ] {
      let lines = LogLines()
      let log = lines.logger
      let local = Result { () throws(AgentError) in
        try SealingStart.unlessNeeded(by: configuration, log) { () throws(AgentError) in
          try SealingStart.localEnd(for: configuration, secrets: secrets, ciphers: ciphers)
        }
      }
      switch local {
      case .success(let local?): #expect(outcome == "local end" && local.available == CipherMask(Self.usual))
      case .success(nil): #expect(outcome == "told" && lines.texts.count { $0.contains("self-test") } == 1)
      case .failure: #expect(outcome == "refused" && lines.texts.isEmpty)
      }
    }
  }

  @Test("the ciphers of this host work, and chacha20poly1305 is among them")
  func probe() {
    let ciphers = HostCiphers.probe()
    #expect(ciphers.available == ciphers.working && ciphers.working.contains(.chacha20poly1305))
  }
}
