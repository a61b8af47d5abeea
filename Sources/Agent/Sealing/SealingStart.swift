import Sealing

/// What must hold before anything is made for a sealed segment: its keys, a cipher that does what it should, memory
/// that is not swapped. Where something lacks, nothing is started; there is no way to go on in clear.
enum SealingStart {
  /// This process as its peers see it; nil when no segment is sealed.
  /// - Throws: `.refused` without a key, `.failed` when a cipher that would be offered does not pass its self-test.
  static func localEnd(
    for configuration: Configuration, secrets: LocalSecrets?, keyLife: KeyLife = .standard,
    ciphers: @autoclosure () -> HostCiphers
  ) throws(AgentError) -> LocalEnd? {
    guard configuration.hasSealedSegment else { return nil }
    guard let secrets else {
      throw AgentError(.refused, "a segment is sealed and there is no private key; name one as local.private-key-file")
    }
    let ciphers = ciphers()
    try judge(configuration.cipherChoice, ciphers)
    try lockMemory(peerCount: SessionPeer.all(in: configuration).count)
    do {
      return try LocalEnd(
        privateKey: secrets.privateKey, presharedKeys: secrets.presharedKeys, choice: configuration.cipherChoice,
        available: ciphers.working, entropy: SystemEntropy(), keyLife: keyLife)
    } catch {
      throw AgentError(.failed, "the sealed segments cannot start: \(error)")
    }
  }

  /// Whether the keys of so many peers can lie in memory that is never swapped.
  private static func lockMemory(peerCount: Int) throws(AgentError) {
    MemoryLock.raiseLimit()
    let byteCount = SessionTable.lockedByteCountMax(peerCount: peerCount)
    guard SecretBytes.canLock(byteCount: byteCount) else {
      throw AgentError(
        .failed,
        "keys need \(byteCount / 1024) KiB of locked memory, which this process may not have; raise the limit "
          + "(ulimit -l, LimitMEMLOCK= of the service)")
    }
  }

  private static func judge(_ choice: CipherChoice, _ ciphers: HostCiphers) throws(AgentError) {
    let offered = choice.offer(available: ciphers.available)
    let broken = Cipher.allCases.filter { offered.contains($0) && !ciphers.working.contains($0) }
    if let cipher = broken.first {
      throw AgentError(
        .failed,
        "the self-test of the cipher \(cipher.configurationName) failed: this processor or this libsodium does not "
          + "encrypt as it should; nothing is started")
    }
    guard !offered.isEmpty else {
      throw AgentError(.failed, "no cipher of the sealed segments works on this host; nothing is started")
    }
  }
}
