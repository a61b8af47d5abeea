import LinuxIO

/// One capture of one worker: what it is to have, its ring, and where the records of this batch are, until it is known
/// what became of each.
///
/// *Ownership.* `Captures` makes and destroys it.
struct CaptureTap {
  /// A record of this batch, and the memory of the frame or datagram that it was made from.
  struct Pending {
    var start: UnsafeMutablePointer<UInt8>
    var byteCount: Int
    var place: UnsafeMutableRawPointer
  }

  /// As many as there are datagrams in a batch; of what is above, a reason is told by a record of its own.
  static let pendingCountMax = LinuxIO.Limits.deliveryCountMax

  var filter: CaptureFilter
  var writer: CaptureRingWriter
  // SAFETY: owned by `Captures`, which frees it with the tap; indexed below `pendingCountMax`.
  private let pending: UnsafeMutablePointer<Pending>
  private var pendingCount = 0

  init(_ filter: CaptureFilter, _ writer: CaptureRingWriter) {
    self.filter = filter
    self.writer = writer
    pending = .allocate(capacity: Self.pendingCountMax)
  }

  func free() { pending.deallocate() }

  /// Keeps the record, and the first of its bytes: of a run of datagrams each with a record of its own where not all of
  /// it is kept.
  /// - Parameter isPending: what becomes of it is known later in the batch.
  mutating func keep(
    _ record: CaptureRecord, _ bytes: UnsafeMutablePointer<UInt8>?, _ byteCount: Int, isPending: Bool,
    pace: inout CapturePace
  ) {
    let stride = Int(record.gsoByteCount)
    guard record.kind == .outer, stride > 0, filter.snapByteCount < byteCount else {
      return keepOne(record, bytes, byteCount, isPending: isPending, pace: &pace)
    }
    var piece = record
    (piece.gsoByteCount, piece.frameCount) = (0, 1)
    var offset = 0
    while offset < byteCount {
      let count = min(stride, byteCount &- offset)
      piece.byteCount = UInt32(truncatingIfNeeded: count)
      keepOne(piece, bytes.map { $0 + offset }, count, isPending: isPending, pace: &pace)
      offset &+= stride
    }
  }

  private mutating func keepOne(
    _ record: CaptureRecord, _ bytes: UnsafeMutablePointer<UInt8>?, _ byteCount: Int, isPending: Bool,
    pace: inout CapturePace
  ) {
    let kept = bytes == nil ? 0 : min(byteCount, filter.snapByteCount, LinuxIO.Limits.frameByteCountMax)
    guard let place = reserve(kept, &pace) else { return }
    writer.put(record, capturedByteCount: kept, at: place)
    guard let bytes else { return }
    (place + CaptureRecord.byteCount).copyMemory(from: bytes, byteCount: kept)
    guard isPending, pendingCount < Self.pendingCountMax else { return }
    pending[pendingCount] = Pending(start: bytes, byteCount: byteCount, place: place)
    pendingCount &+= 1
  }

  /// Keeps the record of a write into a TAP, which may be a superframe in several pieces.
  mutating func keep(
    _ record: CaptureRecord, _ frames: borrowing OutgoingFrames, at index: Int, pace: inout CapturePace
  ) {
    let limit = min(Int(record.byteCount), filter.snapByteCount, LinuxIO.Limits.frameByteCountMax)
    guard let place = reserve(limit, &pace) else { return }
    var kept = 0
    // The first is the header of the TAP's own.
    for vector in frames.vectors(at: index).dropFirst() {
      guard let base = vector.iov_base, kept < limit else { break }
      let count = min(limit &- kept, vector.iov_len)
      (place + CaptureRecord.byteCount + kept).copyMemory(from: base, byteCount: count)
      kept &+= count
    }
    writer.put(record, capturedByteCount: kept, at: place)
  }

  /// What was captured earlier in this batch from the memory at `start` has ended.
  func mark(_ start: UnsafeMutablePointer<UInt8>, _ reason: UInt8) {
    var (low, high) = (0, pendingCount)
    while low < high {
      let middle = (low &+ high) / 2
      if pending[middle].start <= start { low = middle &+ 1 } else { high = middle }
    }
    guard low > 0 else { return }
    let found = pending[low &- 1]
    // An empty datagram begins where it ends.
    guard start - found.start < max(1, found.byteCount) else { return }
    var record = found.place.load(as: CaptureRecord.self)
    record.reason = reason
    found.place.storeBytes(of: record, as: CaptureRecord.self)
  }

  /// A batch has ended.
  mutating func publish() {
    pendingCount = 0
    writer.publish()
  }

  private mutating func reserve(_ byteCount: Int, _ pace: inout CapturePace) -> UnsafeMutableRawPointer? {
    guard pace.take(byteCount) else {
      writer.noteMissed()
      return nil
    }
    return writer.reserve(byteCount)
  }
}
