import CSodium

/// Bytes that no one else may see: locked in memory, absent from core dumps, wiped at the end. Up to a thousand lie
/// beside others in a `SecretPool`, more between guard pages of their own. Printing or reflecting one shows nothing.
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
  /// Nil where the bytes are an allocation of their own.
  private let slot: SecretPool.Slot?

  package var byteCount: Int { bytes.count }

  /// `byteCount` zero bytes, 1 at least.
  package init(byteCount: Int) {
    precondition(byteCount > 0 && sodium_init() >= 0, "libsodium cannot be initialised")
    let pool = SecretPool.fitting(byteCount)
    slot = pool?.take()
    let start = pool == nil ? sodium_malloc(byteCount) : slot?.start
    guard let memory = start else { preconditionFailure("no memory for keys") }
    self.bytes = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
    sodium_memzero(memory, byteCount)
  }

  /// A copy of `bytes`, which the caller wipes where they are secret.
  convenience init(copying bytes: UnsafeRawBufferPointer) {
    self.init(byteCount: bytes.count)
    self.bytes.copyMemory(from: bytes)
  }

  deinit {
    guard let slot else { return sodium_free(bytes.baseAddress) }
    wipe()
    SecretPool.fitting(byteCount)?.give(back: slot)
  }

  /// A part of the bytes.
  func part(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: bytes[range])
  }

  /// Whether the kernel lets this process lock `byteCount` bytes more (RLIMIT_MEMLOCK, without CAP_IPC_LOCK). Where it
  /// does not, keys could be written to swap, and libsodium would not say so. To be asked after privileges are given
  /// up, and before the first key is made. It locks so much for a moment, then gives it back.
  /// - Parameter byteCount: 1 at least; `SessionTable.lockedByteCountMax(peerCount:)`.
  package static func canLock(byteCount: Int) -> Bool {
    precondition(byteCount > 0 && sodium_init() >= 0, "libsodium cannot be initialised")
    // SAFETY: freed at the end, and unlocked before.
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: pageByteCountMax)
    defer { memory.deallocate() }
    guard sodium_mlock(memory, byteCount) == 0 else { return false }
    return sodium_munlock(memory, byteCount) == 0
  }

  /// The largest page of a kernel that this runs on.
  private static let pageByteCountMax = 65_536

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
