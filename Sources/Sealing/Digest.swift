import CSodium

/// A BLAKE2b-256 hash of bytes that come in pieces. One owner, one thread.
/// - SeeAlso: RFC 7693; libsodium, generic hashing.
package struct Digest: ~Copyable {
  package static let byteCount = 32

  /// libsodium's state, whose layout Swift cannot import.
  private let memory: UnsafeMutableRawPointer
  private var state: OpaquePointer { OpaquePointer(memory) }

  /// The hash of nothing yet.
  package init() {
    precondition(sodium_init() >= 0, "libsodium cannot be initialised")
    // SAFETY: owned until `deinit`; as many bytes as libsodium asks for, aligned to 64 as its header demands.
    memory = .allocate(byteCount: crypto_generichash_statebytes(), alignment: 64)
    crypto_generichash_init(state, nil, 0, Self.byteCount)
  }

  deinit {
    memory.deallocate()
  }

  /// Takes the next bytes in.
  package mutating func update(_ bytes: ArraySlice<UInt8>) {
    // SAFETY: the buffer is only read, and lives through the call.
    _ = bytes.withUnsafeBufferPointer {
      crypto_generichash_update(state, $0.baseAddress, UInt64($0.count))
    }
  }

  /// The 32 bytes of the hash.
  package consuming func finish() -> [UInt8] {
    var hash = [UInt8](repeating: 0, count: Self.byteCount)
    crypto_generichash_final(state, &hash, hash.count)
    return hash
  }
}
