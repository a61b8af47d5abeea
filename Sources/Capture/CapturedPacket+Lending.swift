extension CapturedPacket {
  /// Gives `body` a packet whose bytes are the caller's.
  // SAFETY: the packet is for the time of the call only.
  package static func lend<Value>(
    _ bytes: Span<UInt8>, time: Int64, wireByteCount: Int, dropReason: String?, to body: (CapturedPacket) -> Value
  ) -> Value {
    bytes.withUnsafeBufferPointer {
      body(CapturedPacket(time: time, bytes: $0, wireByteCount: wireByteCount, dropReason: dropReason))
    }
  }
}
