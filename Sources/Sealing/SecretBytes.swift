import CSodium

/// Bytes that no one else may see: locked in memory, between guard pages, absent from core dumps, wiped at the end.
/// Printing or reflecting one shows nothing.
///
/// *Ownership.* Wiped and freed with the last reference.
/// *Threads.* Whoever writes is alone; after that any number of threads may read.
/// - SeeAlso: libsodium, secure memory (`sodium_malloc`).
package final class SecretBytes: @unchecked Sendable {
  /// All of the bytes, valid as long as the object.
  ///
  /// They begin at a multiple of 64 where their number is one.
  // SAFETY: owned by the object, which does not free them before `deinit`; users keep the object alive.
  let bytes: UnsafeMutableRawBufferPointer

  package var byteCount: Int { bytes.count }

  /// `byteCount` zero bytes, 1 at least.
  package init(byteCount: Int) {
    precondition(byteCount > 0 && sodium_init() >= 0, "libsodium cannot be initialised")
    guard let memory = sodium_malloc(byteCount) else { preconditionFailure("no memory for keys") }
    self.bytes = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
    sodium_memzero(memory, byteCount)
  }

  /// A copy of `bytes`, which the caller wipes where they are secret.
  convenience init(copying bytes: UnsafeRawBufferPointer) {
    self.init(byteCount: bytes.count)
    self.bytes.copyMemory(from: bytes)
  }

  deinit {
    sodium_free(bytes.baseAddress)
  }

  /// A part of the bytes.
  func part(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: bytes[range])
  }

  /// Whether the kernel lets this process lock `byteCount` bytes more (RLIMIT_MEMLOCK, without CAP_IPC_LOCK). Where it
  /// does not, keys could be written to swap, and libsodium would not say so. To be asked after privileges are given
  /// up, and before the first key is made; it locks so much for a moment.
  /// - Parameter byteCount: 1 at least; `SessionTable.lockedByteCountMax(peerCount:)`.
  package static func canLock(byteCount: Int) -> Bool {
    precondition(byteCount > 0 && sodium_init() >= 0, "libsodium cannot be initialised")
    // SAFETY: freed at the end, and unlocked before.
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: pageByteCount)
    defer { memory.deallocate() }
    guard sodium_mlock(memory, byteCount) == 0 else { return false }
    return sodium_munlock(memory, byteCount) == 0
  }

  /// What is locked for one object of up to some thousand bytes.
  static let pageByteCount = 4096

  /// Overwrites all bytes with zeros before the end of the object's life.
  func wipe() {
    sodium_memzero(bytes.baseAddress, bytes.count)
  }

  /// Whether both hold the same, in a time that depends on the length only.
  static func areEqual(_ a: SecretBytes, _ b: SecretBytes) -> Bool {
    a.byteCount == b.byteCount && sodium_memcmp(a.bytes.baseAddress, b.bytes.baseAddress, a.byteCount) == 0
  }
}

extension SecretBytes: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "secret" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
