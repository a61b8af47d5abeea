import Sealing

extension KeyRing {
  /// Opens a datagram into `plaintext`, which has its length at least.
  func open(_ datagram: Span<UInt8>, into plaintext: inout [UInt8]) -> Verdict {
    precondition(plaintext.count >= datagram.count)
    // SAFETY: both are there during the call, and the plaintext is shorter than the datagram.
    return unsafe datagram.withUnsafeBytes { from in
      unsafe plaintext.withUnsafeMutableBytes { to in
        guard let from = from.baseAddress, let to = to.baseAddress else { return .framing }
        return unsafe open(from, byteCount: datagram.count, into: to)
      }
    }
  }
}
