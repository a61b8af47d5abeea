import CPcap

/// One packet of a capture.
package struct CapturedPacket {
  /// Nanoseconds since 1970, as the capture says; what is beyond the range is its end.
  package let time: Int64
  // SAFETY: libpcap's memory, valid until the next packet of the same capture is asked for.
  package let bytes: UnsafeBufferPointer<UInt8>
  /// Bytes on the wire; more than `bytes` when the capture kept only the beginning.
  package let wireByteCount: Int
  /// Under which reason an agent dropped it; nil where nobody says so.
  package var dropReason: String?

  package init(
    time: Int64, bytes: UnsafeBufferPointer<UInt8>, wireByteCount: Int, dropReason: String? = nil
  ) {
    self.time = time
    self.bytes = bytes
    self.wireByteCount = wireByteCount
    self.dropReason = dropReason
  }

  /// - Parameter isNanoseconds: what `tv_usec` counts, by the precision of the handle.
  init(_ header: pcap_pkthdr, _ bytes: UnsafePointer<UInt8>, isNanoseconds: Bool) {
    time = Self.time(Int64(header.ts.tv_sec), Int64(header.ts.tv_usec), isNanoseconds: isNanoseconds)
    self.bytes = UnsafeBufferPointer(start: bytes, count: Int(header.caplen))
    wireByteCount = Int(header.len)
    dropReason = nil
  }

  /// pcapng can say any 64 bits of seconds.
  private static func time(_ seconds: Int64, _ rest: Int64, isNanoseconds: Bool) -> Int64 {
    let (whole, isBeyond) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isBeyondWithRest) = whole.addingReportingOverflow(rest &* (isNanoseconds ? 1 : 1000))
    guard isBeyond || isBeyondWithRest else { return sum }
    return seconds < 0 ? .min : .max
  }

  /// As libpcap's functions take it, in nanoseconds or in microseconds.
  func header(byteCount: Int, isNanoseconds: Bool) -> pcap_pkthdr {
    let (seconds, rest) = time.quotientAndRemainder(dividingBy: 1_000_000_000)
    var header = pcap_pkthdr()
    header.ts.tv_sec = Int(seconds)
    header.ts.tv_usec = Int(isNanoseconds ? rest : rest / 1000)
    header.caplen = UInt32(clamping: byteCount)
    header.len = UInt32(clamping: wireByteCount)
    return header
  }
}
