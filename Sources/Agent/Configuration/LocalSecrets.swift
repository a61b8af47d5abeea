import Glibc
import LinuxIO
import Sealing

/// The keys of this VTEP, read from the files that the configuration names. Locked in memory, never printed.
package struct LocalSecrets: Sendable {
  package let privateKey: PrivateKey
  /// Two at most, the preferred first.
  package let presharedKeys: [PresharedKey]
}

/// Which ciphers this host can do, and which of them do what they should.
package struct HostCiphers: Equatable, Sendable {
  package let available: CipherMask
  /// Passed the self-test.
  package let working: CipherMask

  /// Tries each. A few microseconds.
  package static func probe() -> HostCiphers {
    HostCiphers(
      available: CipherMask(Cipher.allCases.filter(\.isAvailable)), working: CipherSelfTest.workingCiphers())
  }
}

extension Configuration {
  /// Reads the files with keys, and judges what only they and this host can tell.
  /// - Parameters:
  ///   - file: the configuration's name in error messages.
  ///   - user: who is to read them; nil: this process, as whoever it is.
  ///   - ciphers: of this host.
  /// - Returns: nil when no private key is named; then no segment is sealed.
  /// - Throws: every problem that was found.
  package func secrets(
    file: String, for user: UserAccount? = nil, ciphers: @autoclosure () -> HostCiphers = .probe()
  ) throws(ConfigurationError) -> LocalSecrets? {
    let problems = ProblemList()
    let reader = user?.uid ?? geteuid()
    let privateKey = Self.read(local.privateKeyFile, "local.private-key-file", problems) { path throws(ValueFault) in
      try SecretFile.privateKey(path, for: reader)
    }
    let presharedKeys = Self.read(local.presharedKeyFile, "local.psk-file", problems) { path throws(ValueFault) in
      try SecretFile.presharedKeys(path, for: reader)
    }
    judgePeers(against: privateKey, problems)
    judgeCipher(ciphers(), problems)
    guard problems.problems.isEmpty else { throw ConfigurationError(file: file, problems: problems.problems) }
    return privateKey.map { LocalSecrets(privateKey: $0, presharedKeys: presharedKeys ?? []) }
  }

  /// Notes peers that have the own key.
  private func judgePeers(against privateKey: PrivateKey?, _ problems: ProblemList) {
    for peer in peers where privateKey != nil && peer.publicKey == privateKey?.publicKey {
      problems.add(
        peer.publicKeyLine.number,
        "peers[].public-key: this is the own public key; write that of the peer, as `vtep pubkey` prints it there")
    }
    for peer in peers where peer.publicKey.map({ privateKey?.hasBytes(of: $0) == true }) == true {
      problems.add(
        peer.publicKeyLine.number,
        "peers[].public-key: this is the own private key, which others may have read here; make a new one with"
          + " `vtep genkey`, and write the peer's, as `vtep pubkey` prints it there")
    }
  }

  /// As `secrets`, of a private key that is at hand.
  func judgePeers(against privateKey: PrivateKey?, file: String) throws(ConfigurationError) {
    let problems = ProblemList()
    judgePeers(against: privateKey, problems)
    guard problems.problems.isEmpty else { throw ConfigurationError(file: file, problems: problems.problems) }
  }

  private static func read<Value>(
    _ secret: SecretPath?, _ name: String, _ problems: ProblemList, _ read: (String) throws(ValueFault) -> Value
  ) -> Value? {
    guard let secret else { return nil }
    do {
      return try read(secret.path)
    } catch {
      problems.add(secret.line.number, "\(name): \(error.wrong); \(error.right)")
      return nil
    }
  }

  private func judgeCipher(_ ciphers: @autoclosure () -> HostCiphers, _ problems: ProblemList) {
    guard case .named(let cipher) = cipherChoice, !ciphers().available.contains(cipher) else { return }
    let reason =
      switch cipher {
      case .aes256gcm: "this processor has no AES in hardware that libsodium could use"
      case .aegis128l: "it came with libsodium 1.0.19, and this is built with an older one"
      case .chacha20poly1305: "this libsodium is without it"
      }
    problems.add(
      cipherLine.number,
      "segments[].cipher: \(cipher.configurationName) cannot be had here: \(reason); write auto or chacha20poly1305")
  }
}
