import CPcap
import Glibc

/// A capture that was written to a file, pcap or pcapng, or comes from standard input.
///
/// *Threads.* One at a time.
/// - SeeAlso: pcap-savefile(5).
package final class CaptureFile: PacketSource {
  /// The file name that means standard input.
  package static let standardInput = "-"
  private static let blockByteCount = 1 << 16

  package let linkType: LinkType
  /// The bytes of a packet that the file keeps at most; 0: it does not say.
  package let snapshotByteCount: Int
  // SAFETY: libpcap's handle, closed in `deinit`.
  private let handle: OpaquePointer
  // SAFETY: stdio's memory for the file, freed when the file is closed.
  private let block: UnsafeMutablePointer<CChar>

  /// - Throws: for what is no file, cannot be read, or is no capture.
  package init(path: String) throws(CaptureError) {
    if let reason = cpcap_load() { throw .missingLibrary(reason) }
    guard let file = path == Self.standardInput ? fdopen(dup(STDIN_FILENO), "r") : fopen(path, "re") else {
      throw CaptureError("\(path): \(String(cString: strerror(errno)))")
    }
    // Blocks of 4 KB, as stdio reads otherwise, would cost as much again as the reading itself.
    let block = UnsafeMutablePointer<CChar>.allocate(capacity: Self.blockByteCount)
    _ = setvbuf(file, block, _IOFBF, Self.blockByteCount)
    var error = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard let handle = cpcap_fopen_offline(file, &error) else {
      block.deallocate()
      throw CaptureError("\(path): \(Self.text(error))")
    }
    self.handle = handle
    self.block = block
    linkType = LinkType(dataLink: cpcap_datalink(handle))
    snapshotByteCount = max(0, Int(cpcap_snapshot(handle)))
  }

  deinit {
    cpcap_close(handle)
    block.deallocate()
  }

  package func step() throws(CaptureError) -> PacketStep {
    try next().map(PacketStep.packet) ?? .end
  }

  /// The next packet; nil at the end.
  /// - Throws: where the rest cannot be read, such as in a file that was cut short.
  package func next() throws(CaptureError) -> CapturedPacket? {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var bytes: UnsafePointer<UInt8>?
    switch cpcap_next_ex(handle, &header, &bytes) {
    case 1:
      guard let header, let bytes else { return nil }
      return CapturedPacket(header.pointee, bytes, isNanoseconds: true)
    case PCAP_ERROR: throw CaptureError(String(cString: cpcap_geterr(handle)))
    default: return nil
    }
  }

  static func text(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
