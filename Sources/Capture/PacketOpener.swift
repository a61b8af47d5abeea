import Sealing

/// Opens sealed datagrams of a capture with the keys of a log.
///
/// *Threads.* One.
package final class PacketOpener {
  private let ring: KeyRing
  // SAFETY: owned, as large as a packet can be, and given back in `deinit`.
  private let plaintext: UnsafeMutableBufferPointer<UInt8>

  package init(_ ring: KeyRing) {
    self.ring = ring
    plaintext = .allocate(capacity: Int(Limits.snapshotByteCount))
  }

  deinit { plaintext.deallocate() }

  package enum Answer {
    /// The frame or the control message, valid until the next one is opened.
    case opened(UnsafeBufferPointer<UInt8>)
    case noKey, failed
  }

  /// - Parameter payload: of the UDP datagram, whole.
  package func open(_ payload: UnsafeBufferPointer<UInt8>) -> Answer {
    guard let start = payload.baseAddress, let to = plaintext.baseAddress, payload.count <= plaintext.count else {
      return .failed
    }
    switch ring.open(start, byteCount: payload.count, into: to) {
    case .opened(let byteCount): return .opened(UnsafeBufferPointer(start: to, count: byteCount))
    case .noKey: return .noKey
    case .failed, .framing: return .failed
    }
  }
}
