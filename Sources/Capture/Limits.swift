/// Our own bounds.
enum Limits {
  /// Bytes of a packet that are kept, at most: tcpdump's default, and beyond every datagram.
  static let snapshotByteCount: Int32 = 262_144
  /// Milliseconds until the kernel hands over a block of packets that is not full.
  static let blockMilliseconds: Int32 = 100
  /// Milliseconds after which a capture without packets looks whether it is to end.
  static let waitMilliseconds: Int32 = 200
  /// The kernel's ring: what comes while this process has no processor, 30 ms at 10 Gbit/s.
  static let ringByteCount: Int32 = 32 << 20
  /// Of a file that is written, so much waits in memory at most.
  static let unwrittenByteCount = 512 << 10
}
