import CSodium

/// A BLAKE2b hash of any length and with or without a key, of bytes that come in pieces. One owner, one thread.
/// What was hashed is wiped with it.
/// - SeeAlso: RFC 7693.
struct BLAKE2b: ~Copyable {
  /// libsodium's state, whose layout Swift cannot import.
  private let memory: UnsafeMutableRawBufferPointer
  private let byteCount: Int
  private var state: OpaquePointer { OpaquePointer(memory.octets) }

  /// The hash of nothing yet, with 16...64 bytes of output and a key of at most 64.
  init(byteCount: Int, key: UnsafeRawBufferPointer = .empty) {
    self.init(allocatingFor: byteCount)
    precondition(key.count <= 64)
    crypto_generichash_init(state, key.isEmpty ? nil : key.octets, key.count, byteCount)
  }

  /// The same with a key that is no secret, of 1...64 bytes.
  init(byteCount: Int, key: [UInt8]) {
    self.init(allocatingFor: byteCount)
    precondition((1...64).contains(key.count))
    crypto_generichash_init(state, key, key.count, byteCount)
  }

  private init(allocatingFor byteCount: Int) {
    precondition((16...64).contains(byteCount) && sodium_init() >= 0)
    self.byteCount = byteCount
    // SAFETY: owned until `deinit`; as many bytes as libsodium asks for, aligned to 64 as its header demands.
    memory = .allocate(byteCount: crypto_generichash_statebytes(), alignment: 64)
  }

  deinit {
    sodium_memzero(memory.baseAddress, memory.count)
    memory.deallocate()
  }

  // SAFETY: the buffers are only read, and valid for the call; here and below.
  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    if !bytes.isEmpty { crypto_generichash_update(state, bytes.octets, UInt64(bytes.count)) }
  }

  mutating func update(_ bytes: some Collection<UInt8>) {
    if bytes.withContiguousStorageIfAvailable({ update(UnsafeRawBufferPointer($0)) }) == nil {
      Array(bytes).withUnsafeBytes { update($0) }
    }
  }

  mutating func update(_ text: StaticString) {
    update(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Writes the hash into `output`, which has as many bytes as were asked for. Then only `deinit` may follow.
  mutating func finish(into output: UnsafeMutableRawBufferPointer) {
    precondition(output.count == byteCount)
    crypto_generichash_final(state, output.octets, byteCount)
  }

  /// The hash, where it is no secret.
  consuming func finish() -> [UInt8] {
    var output = [UInt8](repeating: 0, count: byteCount)
    output.withUnsafeMutableBytes { finish(into: $0) }
    return output
  }
}
