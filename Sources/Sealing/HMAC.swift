import CSodium

/// HMAC and HKDF over BLAKE2b with 64 bytes of output, as Noise defines them: the hash's own keyed mode is another
/// function and would not do.
/// - SeeAlso: RFC 2104; Noise, revision 34, section 4.3.
enum HMAC {
  static let hashByteCount = 64
  private static let blockByteCount = 128

  /// Writes HMAC(`key`, `first` | `second`) into `output`, 64 bytes. The key has at most one block.
  // SAFETY: all buffers are the callers' and valid for the call; the pads are wiped before they are given back.
  static func authenticate(
    key: UnsafeRawBufferPointer, _ first: UnsafeRawBufferPointer,
    _ second: UnsafeRawBufferPointer = .empty,
    into output: UnsafeMutableRawBufferPointer
  ) {
    precondition(key.count <= blockByteCount && output.count == hashByteCount)
    withUnsafeTemporaryAllocation(byteCount: blockByteCount + hashByteCount, alignment: 8) { scratch in
      let pad = UnsafeMutableRawBufferPointer(rebasing: scratch[..<blockByteCount])
      let innerHash = UnsafeMutableRawBufferPointer(rebasing: scratch[blockByteCount...])
      fill(pad, key, xor: 0x36)
      var inner = BLAKE2b(byteCount: hashByteCount)
      inner.update(UnsafeRawBufferPointer(pad))
      inner.update(first)
      inner.update(second)
      inner.finish(into: innerHash)
      fill(pad, key, xor: 0x5C)
      var outer = BLAKE2b(byteCount: hashByteCount)
      outer.update(UnsafeRawBufferPointer(pad))
      outer.update(UnsafeRawBufferPointer(innerHash))
      outer.finish(into: output)
      sodium_memzero(scratch.baseAddress, scratch.count)
    }
  }

  /// Fills `outputs`, two or three times 64 bytes behind each other, from a chaining key of 64 bytes and a secret.
  static func deriveKeys(
    chainingKey: UnsafeRawBufferPointer, input: UnsafeRawBufferPointer, into outputs: UnsafeMutableRawBufferPointer
  ) {
    precondition(chainingKey.count == hashByteCount)
    precondition(outputs.count == 2 * hashByteCount || outputs.count == 3 * hashByteCount)
    withUnsafeTemporaryAllocation(byteCount: hashByteCount, alignment: 8) { temporaryKey in
      authenticate(key: chainingKey, input, into: temporaryKey)
      var previous = UnsafeRawBufferPointer.empty
      for index in 0..<outputs.count / hashByteCount {
        let output = UnsafeMutableRawBufferPointer(
          rebasing: outputs[index * hashByteCount..<(index + 1) * hashByteCount])
        withUnsafeBytes(of: UInt8(index + 1)) {
          authenticate(key: UnsafeRawBufferPointer(temporaryKey), previous, $0, into: output)
        }
        previous = UnsafeRawBufferPointer(output)
      }
      sodium_memzero(temporaryKey.baseAddress, temporaryKey.count)
    }
  }

  private static func fill(_ pad: UnsafeMutableRawBufferPointer, _ key: UnsafeRawBufferPointer, xor byte: UInt8) {
    for index in pad.indices { pad[index] = byte ^ (index < key.count ? key[index] : 0) }
  }
}
