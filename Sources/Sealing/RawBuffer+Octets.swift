/// libsodium takes pointers to bytes that are never null.
// SAFETY: as valid as the buffer that they come from, which the caller keeps alive.
extension UnsafeRawBufferPointer {
  static var empty: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

  /// The first byte of a buffer that is not empty.
  var octets: UnsafePointer<UInt8> {
    guard let baseAddress else { preconditionFailure("an empty buffer has no bytes") }
    return baseAddress.assumingMemoryBound(to: UInt8.self)
  }
}

extension UnsafeMutableRawBufferPointer {
  /// The first byte of a buffer that is not empty.
  var octets: UnsafeMutablePointer<UInt8> {
    guard let baseAddress else { preconditionFailure("an empty buffer has no bytes") }
    return baseAddress.assumingMemoryBound(to: UInt8.self)
  }
}
