import Sealing

/// What an agent that has sessions offers its peers: `sealing` in `vtep status -j`.
package struct SealingReport: Codable, Equatable, Sendable {
  /// The UDP port of sealed VXLAN.
  package var udpPort: UInt16
  /// The own one, in base64: what peers write as `public-key`.
  package var publicKey: String
  /// What is offered in handshakes.
  package var ciphers: [String]
  /// Whether libsodium can use AES in hardware here; without, only chacha20poly1305 is there by default.
  package var hasHardwareAES: Bool
  /// What encrypts, with its version.
  package var library: String
  /// How many pre-shared keys are known.
  package var presharedKeys: Int

  private enum CodingKeys: String, CodingKey {
    case ciphers, library
    case udpPort = "sealed-port"
    case publicKey = "public-key"
    case hasHardwareAES = "hardware-aes"
    case presharedKeys = "pre-shared-keys"
  }

  package init(
    udpPort: UInt16, publicKey: String, ciphers: [String], hasHardwareAES: Bool, library: String, presharedKeys: Int
  ) {
    self.udpPort = udpPort
    self.publicKey = publicKey
    self.ciphers = ciphers
    self.hasHardwareAES = hasHardwareAES
    self.library = library
    self.presharedKeys = presharedKeys
  }

  init(_ local: LocalEnd, _ configuration: Configuration) {
    self.init(
      udpPort: configuration.local.sealedUDPPort, publicKey: local.privateKey.publicKey.base64,
      ciphers: Self.names(offeredBy: local.choice, available: local.available),
      hasHardwareAES: local.available.contains(.aes256gcm), library: Cipher.library,
      presharedKeys: local.presharedKeys.count)
  }

  /// Another cipher is configured.
  mutating func follow(_ choice: CipherChoice, available: CipherMask) {
    ciphers = Self.names(offeredBy: choice, available: available)
  }

  private static func names(offeredBy choice: CipherChoice, available: CipherMask) -> [String] {
    let offered = choice.offer(available: available)
    return Cipher.allCases.filter { offered.contains($0) }.map(\.configurationName)
  }
}
