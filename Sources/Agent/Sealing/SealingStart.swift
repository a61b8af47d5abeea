import Logging
import Sealing

/// What must hold before anything is made for sessions: keys, a cipher that does what it should, memory that is not
/// swapped. Where a segment is sealed and something lacks, nothing is started; there is no way to go on in clear. Where
/// none is, plain segments do without sessions, and so without probes.
enum SealingStart {
  /// This process as its peers see it; nil when there are no sessions to have.
  /// - Throws: `.refused` without a key for a sealed segment, `.failed` when a cipher that would be offered fails
  ///   its self-test.
  static func localEnd(
    for configuration: Configuration, secrets: LocalSecrets?, keyLife: KeyLife = .standard,
    ciphers: @autoclosure () -> HostCiphers
  ) throws(AgentError) -> LocalEnd? {
    guard configuration.needsSealedPort else { return nil }
    guard let secrets else {
      throw AgentError(.refused, "a segment is sealed and there is no private key; name one as local.private-key-file")
    }
    let ciphers = ciphers()
    try judge(configuration.cipherChoice, ciphers)
    try lockMemory(peerCount: configuration.peers.filter(configuration.hasSession).count)
    do {
      return try LocalEnd(
        privateKey: secrets.privateKey, presharedKeys: secrets.presharedKeys, choice: configuration.cipherChoice,
        available: ciphers.working, entropy: SystemEntropy(), keyLife: keyLife)
    } catch {
      throw AgentError(.failed, "sessions cannot start: \(error)")
    }
  }

  /// What sessions need beside those that there are: ciphers that work, memory for more keys.
  static func judgeChange(
    from old: Configuration, to new: Configuration, ciphers: @autoclosure () -> HostCiphers
  ) throws(AgentError) {
    if new.cipherChoice != old.cipherChoice { try judge(new.cipherChoice, ciphers()) }
    let (before, after) = (old.peers.filter(old.hasSession).count, new.peers.filter(new.hasSession).count)
    if after > before { try lockMemory(peerCount: after - before) }
  }

  /// What `make` gives. Where no segment is sealed a failure is only told, and nil the answer.
  static func unlessNeeded<Value>(
    by configuration: Configuration, _ log: Logger, _ make: () throws(AgentError) -> Value?
  ) throws(AgentError) -> Value? {
    do {
      return try make()
    } catch {
      guard !configuration.hasSealedSegment else { throw error }
      log.warning(
        "there are no sessions, so paths are not probed: the MTU of a path is that of its route",
        metadata: ["reason": "\(error)"])
      return nil
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
          + "encrypt as it should; no session can be had")
    }
    guard !offered.isEmpty else {
      throw AgentError(.failed, "no cipher that could be offered works on this host; no session can be had")
    }
  }
}
