import CPcap
import Glibc

/// A capture file that is being written, in the classic format.
///
/// What is on the disk is whole packets: where writing fails, as on a full disk, the file is cut behind the last one
/// that is there; standard output is not.
///
/// *Threads.* One.
/// - SeeAlso: pcap-savefile(5).
package final class CaptureWriter {
  package enum Precision: String, CaseIterable, Sendable {
    case micro, nano
  }

  package struct Format: Sendable {
    package var linkType: LinkType
    package var snapshotByteCount: Int
    package var precision: Precision
    /// Each packet is written before the next one is taken.
    package var isPacketBuffered: Bool
    /// A file that is made is for its owner only: what was sealed is in it in clear.
    package var isPrivate: Bool

    package init(
      linkType: LinkType, snapshotByteCount: Int = 0, precision: Precision, isPacketBuffered: Bool,
      isPrivate: Bool = false
    ) {
      self.linkType = linkType
      self.snapshotByteCount = snapshotByteCount
      self.precision = precision
      self.isPacketBuffered = isPacketBuffered
      self.isPrivate = isPrivate
    }
  }

  /// The file name that means standard output.
  package static let standardOutput = "-"
  private static let fileHeaderByteCount = 24
  private static let recordHeaderByteCount = 16
  /// With what may wait and a packet of any size it is never full, so that C writes only when it is told to.
  private static let bufferByteCount = 2 * Limits.unwrittenByteCount

  package let path: String
  /// Bytes of whole packets so far, those that wait in memory included.
  package private(set) var byteCount = CaptureWriter.fileHeaderByteCount
  package private(set) var packetCount = 0
  private let format: Format
  // SAFETY: libpcap's and C's own; the dumper owns `file`, and both live until `close`. The buffer outlives them.
  private let handle: OpaquePointer
  private let dumper: OpaquePointer
  private let file: UnsafeMutablePointer<FILE>
  private let buffer: UnsafeMutablePointer<CChar>
  private let descriptor: Int32
  private var isOpen = true
  /// Where the packets end that may not be on the disk yet, ascending.
  private var unwrittenEnds: [Int] = []
  private var writtenByteCount = 0

  /// Makes the file, or empties it.
  package init(path: String, format: Format) throws(CaptureError) {
    if let reason = cpcap_load() { throw .missingLibrary(reason) }
    let precision = format.precision == .nano ? PCAP_TSTAMP_PRECISION_NANO : PCAP_TSTAMP_PRECISION_MICRO
    let snapshot = format.snapshotByteCount == 0 ? Limits.snapshotByteCount : Int32(clamping: format.snapshotByteCount)
    let opened = Self.open(path, isPrivate: format.isPrivate)
    guard let opened else { throw CaptureError("\(path): \(String(cString: strerror(errno)))") }
    let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: Self.bufferByteCount)
    setvbuf(opened, buffer, _IOFBF, Self.bufferByteCount)
    guard let handle = cpcap_open_dead_with_precision(format.linkType.dataLink, snapshot, precision) else {
      fclose(opened)
      buffer.deallocate()
      throw CaptureError("libpcap cannot write link type \(format.linkType.rawValue)")
    }
    guard let dumper = cpcap_dump_fopen(handle, opened) else {
      let reason = String(cString: cpcap_geterr(handle))
      fclose(opened)
      cpcap_close(handle)
      buffer.deallocate()
      throw CaptureError("\(path): \(reason)")
    }
    (self.path, self.format, self.handle, self.dumper, file) = (path, format, handle, dumper, opened)
    self.buffer = buffer
    descriptor = dup(fileno(opened))
    try flush()
  }

  // SAFETY: the caller's, to be closed.
  private static func open(_ path: String, isPrivate: Bool) -> UnsafeMutablePointer<FILE>? {
    let descriptor =
      path == standardOutput
      ? dup(STDOUT_FILENO) : Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, isPrivate ? 0o600 : 0o666)
    return descriptor < 0 ? nil : fdopen(descriptor, "w")
  }

  deinit {
    if isOpen { cpcap_dump_close(dumper) }
    cpcap_close(handle)
    _ = Glibc.close(descriptor)
    buffer.deallocate()
  }

  /// Appends a packet of which `bytes` are kept.
  /// - Throws: the disk is full, or the like. What was written is whole then, and nothing more may be written.
  // SAFETY: only read, and only during the call.
  package func write(_ packet: CapturedPacket) throws(CaptureError) {
    let limit = format.snapshotByteCount == 0 ? Int(Limits.snapshotByteCount) : format.snapshotByteCount
    let keptByteCount = min(packet.bytes.count, limit)
    var header = packet.header(byteCount: keptByteCount, isNanoseconds: format.precision == .nano)
    guard let start = packet.bytes.baseAddress else { return }
    cpcap_dump(dumper, &header, start)
    byteCount += Self.recordHeaderByteCount + keptByteCount
    packetCount += 1
    unwrittenEnds.append(byteCount)
    if format.isPacketBuffered || byteCount - writtenByteCount > Limits.unwrittenByteCount { try flush() }
  }

  /// Hands everything to the system.
  package func flush() throws(CaptureError) {
    guard cpcap_dump_flush(dumper) == 0, ferror(file) == 0 else {
      let number = errno
      cut()
      throw CaptureError("\(path): \(String(cString: strerror(number)))")
    }
    writtenByteCount = byteCount
    unwrittenEnds.removeAll(keepingCapacity: true)
  }

  /// Writes what waits, and ends the file.
  package func close() throws(CaptureError) {
    guard isOpen else { return }
    try flush()
    isOpen = false
    cpcap_dump_close(dumper)
  }

  /// Ends the file behind the last packet that is whole. Standard output may hold what is not of this capture: it
  /// stays as it is.
  private func cut() {
    isOpen = false
    cpcap_dump_close(dumper)
    var status = stat()
    guard path != Self.standardOutput, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return
    }
    let size = Int(status.st_size)
    let whole = unwrittenEnds.last { $0 <= size } ?? min(writtenByteCount, size)
    packetCount -= unwrittenEnds.count { $0 > whole }
    byteCount = whole
    _ = ftruncate(descriptor, whole)
  }
}
