import CSodium

/// One side of a Noise handshake with 25519, ChaChaPoly and BLAKE2b. One owner, one thread. After a message that failed
/// to write or read, the state is of no more use: read untrusted messages with a `copy`.
/// - SeeAlso: Noise, revision 34, section 5.3.
struct NoiseHandshake: ~Copyable {
  enum Role: Sendable { case initiator, responder }

  /// What a side brings with it. The ephemeral key is used once.
  struct Keys {
    var staticKey: PrivateKey?
    var ephemeralKey: PrivateKey?
    var remoteStatic: PublicKey?
    var presharedKey: PresharedKey?
  }

  private let pattern: NoisePattern
  private let role: Role
  private var symmetric: NoiseSymmetricState
  private var keys: Keys
  private var remoteEphemeral: PublicKey?
  private var messageIndex = 0

  /// The other side's static key, once it is known.
  var remoteStatic: PublicKey? { keys.remoteStatic }
  /// The transcript's hash, 64 bytes.
  var hash: [UInt8] { symmetric.hash }
  var isFinished: Bool { messageIndex == pattern.messages.count }

  init(_ pattern: NoisePattern, as role: Role, prologue: [UInt8], keys: Keys) {
    self.pattern = pattern
    self.role = role
    self.keys = keys
    symmetric = NoiseSymmetricState(protocolName: pattern.protocolName)
    symmetric.mixHash(prologue)
    let own = keys.staticKey?.publicKey
    let (initiator, responder) = role == .initiator ? (own, keys.remoteStatic) : (keys.remoteStatic, own)
    if pattern.responderKnowsInitiator { mixKnown(initiator) }
    if pattern.initiatorKnowsResponder { mixKnown(responder) }
  }

  private init(copying other: borrowing NoiseHandshake) {
    pattern = other.pattern
    role = other.role
    symmetric = other.symmetric.copy()
    keys = other.keys
    remoteEphemeral = other.remoteEphemeral
    messageIndex = other.messageIndex
  }

  /// A second state that goes on by itself.
  func copy() -> NoiseHandshake { NoiseHandshake(copying: self) }

  /// Sets the key that a `psk` token of a message to come mixes in.
  mutating func setPresharedKey(_ key: PresharedKey?) { keys.presharedKey = key }

  /// Sets the key that an `e` token of a message to come sends.
  mutating func setEphemeralKey(_ key: PrivateKey) { keys.ephemeralKey = key }

  /// The next message, or nil where the other side's key is of low order.
  mutating func write(payload: [UInt8]) -> [UInt8]? {
    var message: [UInt8] = []
    for token in takeTokens(writing: true) {
      switch token {
      case .e:
        let point = known(keys.ephemeralKey).publicKey.bytes
        message += point
        mixEphemeral(point)
      case .s: message += symmetric.encryptAndHash(known(keys.staticKey).publicKey.bytes)
      case .ee, .es, .se, .ss: guard mixSharedSecret(token) else { return nil }
      case .psk: mixPresharedKey()
      }
    }
    return message + symmetric.encryptAndHash(payload)
  }

  /// The payload of the next message, or nil where it is too short, wrong or has keys of low order.
  mutating func read(_ message: ArraySlice<UInt8>) -> [UInt8]? {
    var rest = message
    for token in takeTokens(writing: false) {
      switch token {
      case .e:
        guard let point = take(PublicKey.byteCount, from: &rest) else { return nil }
        guard let key = PublicKey(beforeAgreement: Array(point).span) else { return nil }
        remoteEphemeral = key
        mixEphemeral(Array(point))
      case .s:
        guard let sealed = take(PublicKey.byteCount + symmetric.tagByteCount, from: &rest),
          let bytes = symmetric.decryptAndHash(sealed), let key = PublicKey(beforeAgreement: bytes.span)
        else { return nil }
        keys.remoteStatic = key
      case .ee, .es, .se, .ss: guard mixSharedSecret(token) else { return nil }
      case .psk: mixPresharedKey()
      }
    }
    return symmetric.decryptAndHash(rest)
  }

  /// The two keys of 32 bytes after the last message, the initiator's to send with first.
  mutating func split() -> (SecretBytes, SecretBytes) {
    precondition(isFinished)
    return symmetric.split()
  }

  private mutating func takeTokens(writing: Bool) -> [NoisePattern.Token] {
    precondition(!isFinished && writing == (messageIndex.isMultiple(of: 2) == (role == .initiator)), "out of turn")
    defer { messageIndex += 1 }
    return pattern.messages[messageIndex]
  }

  private func take(_ byteCount: Int, from bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard bytes.count >= byteCount else { return nil }
    defer { bytes = bytes.dropFirst(byteCount) }
    return bytes.prefix(byteCount)
  }

  private mutating func mixKnown(_ key: PublicKey?) { symmetric.mixHash(known(key).bytes) }

  private mutating func mixEphemeral(_ point: [UInt8]) {
    symmetric.mixHash(point)
    if pattern.usesPresharedKey { point.withUnsafeBytes { symmetric.mixKey($0) } }
  }

  /// A network without pre-shared keys mixes 32 zero bytes in.
  private mutating func mixPresharedKey() {
    let secret = keys.presharedKey?.secret ?? SecretBytes(byteCount: PresharedKey.byteCount)
    // SAFETY: `secret` lives through the call.
    withExtendedLifetime(secret) { symmetric.mixKeyAndHash(UnsafeRawBufferPointer(secret.bytes)) }
  }

  private mutating func mixSharedSecret(_ token: NoisePattern.Token) -> Bool {
    let (initiators, responders) = Self.isEphemeral(token)
    let isInitiator = role == .initiator
    let own = known((isInitiator ? initiators : responders) ? keys.ephemeralKey : keys.staticKey)
    let other = known((isInitiator ? responders : initiators) ? remoteEphemeral : keys.remoteStatic)
    let shared = SecretBytes(byteCount: PublicKey.byteCount)
    guard own.agree(with: other, into: shared.bytes) else { return false }
    symmetric.mixKey(UnsafeRawBufferPointer(shared.bytes))
    return true
  }

  /// Whether the initiator's and the responder's key of a Diffie-Hellman token are their ephemeral ones.
  private static func isEphemeral(_ token: NoisePattern.Token) -> (initiators: Bool, responders: Bool) {
    switch token {
    case .ee: (true, true)
    case .es: (true, false)
    case .se: (false, true)
    case .ss: (false, false)
    case .e, .s, .psk: preconditionFailure("not a Diffie-Hellman token")
    }
  }

  /// A key that the pattern says is there: our bug where it is not.
  private func known<Key>(_ key: Key?) -> Key {
    guard let key else { preconditionFailure("the pattern needs a key that was not given") }
    return key
  }
}
