import Capture

/// Packets of a capture, copied, on their way from the thread that reads to the one that judges.
///
/// *Threads.* One at a time; who has it is the business of `ReadAhead`.
final class PacketBatch {
  /// Fits the cache of a core with a second batch beside it.
  private static let byteCountMax = 256 << 10
  private static let packetCountMax = 1024

  private struct Entry {
    let offset: Int
    let byteCount: Int
    let wireByteCount: Int
    let time: Int64
  }

  // SAFETY: owned, freed in `deinit`; packets are valid until the batch is filled again.
  private let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: byteCountMax)
  private var entries: [Entry] = []
  /// What came after the last packet; nil: more packets.
  private(set) var end: Result<Void, CaptureError>?

  init() { entries.reserveCapacity(Self.packetCountMax) }

  deinit { bytes.deallocate() }

  var count: Int { entries.count }

  func packet(_ index: Int) -> CapturedPacket {
    let entry = entries[index]
    return CapturedPacket(
      time: entry.time, bytes: UnsafeBufferPointer(start: bytes + entry.offset, count: entry.byteCount),
      wireByteCount: entry.wireByteCount)
  }

  /// Replaces what it has by the next packets of `source`. `pending` is a packet that had no room before; afterwards
  /// the next such.
  func fill(from source: any PacketSource, pending: inout CapturedPacket?) {
    // In a local, so that nobody checks the access to the object for each packet.
    var entries: [Entry] = []
    swap(&entries, &self.entries)
    entries.removeAll(keepingCapacity: true)
    var usedByteCount = 0
    if let packet = pending { append(packet, to: &entries, &usedByteCount) }
    pending = nil
    do throws(CaptureError) {
      reading: while entries.count < Self.packetCountMax {
        switch try source.step() {
        case .packet(let packet):
          guard usedByteCount + packet.bytes.count <= Self.byteCountMax || entries.isEmpty else {
            pending = packet
            break reading
          }
          append(packet, to: &entries, &usedByteCount)
        case .idle: continue
        case .end:
          end = .success(())
          break reading
        }
      }
    } catch {
      end = .failure(error)
    }
    self.entries = entries
  }

  /// A packet longer than a whole batch is cut, as by a snapshot length.
  private func append(_ packet: CapturedPacket, to entries: inout [Entry], _ usedByteCount: inout Int) {
    let byteCount = min(packet.bytes.count, Self.byteCountMax)
    let wireByteCount = max(packet.wireByteCount, packet.bytes.count)
    if let start = packet.bytes.baseAddress { (bytes + usedByteCount).update(from: start, count: byteCount) }
    entries.append(
      Entry(offset: usedByteCount, byteCount: byteCount, wireByteCount: wireByteCount, time: packet.time))
    usedByteCount += byteCount
  }
}
