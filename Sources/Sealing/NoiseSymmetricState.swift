import CSodium

/// The transcript's hash and the chaining key of a handshake under way. One owner, one thread.
/// - SeeAlso: Noise, revision 34, section 5.2.
struct NoiseSymmetricState: ~Copyable {
  private static let hashByteCount = HMAC.hashByteCount

  private let chainingKey = SecretBytes(byteCount: hashByteCount)
  /// 64 bytes: what both sides have said so far.
  private(set) var hash: [UInt8]
  private var cipher = NoiseCipherState()

  /// The state before anything was said.
  init(protocolName: String) {
    let name = Array(protocolName.utf8)
    if name.count <= Self.hashByteCount {
      hash = name + [UInt8](repeating: 0, count: Self.hashByteCount - name.count)
    } else {
      var long = BLAKE2b(byteCount: Self.hashByteCount)
      long.update(name)
      hash = long.finish()
    }
    hash.withUnsafeBytes { chainingKey.bytes.copyMemory(from: $0) }
  }

  private init(hash: [UInt8], cipher: consuming NoiseCipherState) {
    self.hash = hash
    self.cipher = cipher
  }

  /// A second state that goes on by itself.
  func copy() -> NoiseSymmetricState {
    let copy = NoiseSymmetricState(hash: hash, cipher: cipher.copy())
    copy.chainingKey.bytes.copyMemory(from: UnsafeRawBufferPointer(chainingKey.bytes))
    return copy
  }

  mutating func mixHash(_ bytes: some Collection<UInt8>) {
    var next = BLAKE2b(byteCount: Self.hashByteCount)
    next.update(hash)
    next.update(bytes)
    hash = next.finish()
  }

  // SAFETY: `input` is only read, and valid for the call; here and below.
  mutating func mixKey(_ input: UnsafeRawBufferPointer) {
    derive(input, count: 2) { state, outputs in
      state.chainingKey.bytes.copyMemory(from: outputs[0])
      state.cipher.setKey(outputs[1])
    }
  }

  mutating func mixKeyAndHash(_ input: UnsafeRawBufferPointer) {
    derive(input, count: 3) { state, outputs in
      state.chainingKey.bytes.copyMemory(from: outputs[0])
      state.mixHash(outputs[1])
      state.cipher.setKey(outputs[2])
    }
  }

  mutating func encryptAndHash(_ plaintext: [UInt8]) -> [UInt8] {
    let sealed = cipher.encrypt(plaintext, additional: hash)
    mixHash(sealed)
    return sealed
  }

  /// Nil where the tag does not fit; then the state is of no more use.
  mutating func decryptAndHash(_ sealed: ArraySlice<UInt8>) -> [UInt8]? {
    guard let plaintext = cipher.decrypt(sealed, additional: hash) else { return nil }
    mixHash(sealed)
    return plaintext
  }

  /// How many bytes encryption adds now.
  var tagByteCount: Int { cipher.hasKey ? NoiseCipherState.tagByteCount : 0 }

  /// The two keys of 32 bytes that end a handshake, the initiator's to send with first.
  mutating func split() -> (SecretBytes, SecretBytes) {
    let first = SecretBytes(byteCount: NoiseCipherState.keyByteCount)
    let second = SecretBytes(byteCount: NoiseCipherState.keyByteCount)
    derive(.empty, count: 2) { _, outputs in
      first.bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: outputs[0][..<first.byteCount]))
      second.bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: outputs[1][..<second.byteCount]))
    }
    return (first, second)
  }

  private mutating func derive(
    _ input: UnsafeRawBufferPointer, count: Int,
    _ use: (inout NoiseSymmetricState, [UnsafeRawBufferPointer]) -> Void
  ) {
    let size = Self.hashByteCount
    withUnsafeTemporaryAllocation(byteCount: count * size, alignment: 8) { outputs in
      HMAC.deriveKeys(chainingKey: UnsafeRawBufferPointer(chainingKey.bytes), input: input, into: outputs)
      use(&self, (0..<count).map { UnsafeRawBufferPointer(rebasing: outputs[$0 * size..<($0 + 1) * size]) })
      sodium_memzero(outputs.baseAddress, outputs.count)
    }
  }
}
