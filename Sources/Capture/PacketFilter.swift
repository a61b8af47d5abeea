import CPcap

/// An expression of pcap-filter(7), compiled by libpcap for packets of one link type.
///
/// *Threads.* One at a time.
package final class PacketFilter {
  private var program = bpf_program()

  /// - Throws: what libpcap says of the expression.
  package init(_ expression: String, linkType: LinkType) throws(CaptureError) {
    if let reason = cpcap_load() { throw .missingLibrary(reason) }
    guard let handle = cpcap_open_dead(linkType.dataLink, Limits.snapshotByteCount) else {
      throw CaptureError("libpcap cannot compile filters for link type \(linkType.rawValue)")
    }
    defer { cpcap_close(handle) }
    guard cpcap_compile(handle, &program, expression, 1) == 0 else {
      throw CaptureError("the filter \"\(expression)\" is refused: \(String(cString: cpcap_geterr(handle)))")
    }
  }

  deinit { cpcap_freecode(&program) }

  /// - Parameter wireByteCount: what `len` of an expression compares with.
  // SAFETY: libpcap reads no more than the buffer's count.
  package func matches(_ bytes: UnsafeBufferPointer<UInt8>, wireByteCount: Int) -> Bool {
    guard let start = bytes.baseAddress else { return false }
    var header = pcap_pkthdr()
    header.caplen = UInt32(clamping: bytes.count)
    header.len = UInt32(clamping: wireByteCount)
    return cpcap_offline_filter(&program, &header, start) != 0
  }
}
