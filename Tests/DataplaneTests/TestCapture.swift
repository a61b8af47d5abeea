import LinuxIO
import TestKit

@testable import Dataplane

/// One capture of a bench, and who reads it.
final class TestCapture {
  /// A record, and the bytes that were kept of it.
  struct Kept {
    let record: CaptureRecord
    let bytes: [UInt8]
    var reason: DropReason? { DropReason(rawValue: record.reason) }
  }

  let ring: CaptureRing
  private let reader: CaptureRingReader

  init(_ bench: EngineBench, _ filter: CaptureFilter) throws {
    ring = try CaptureRing(capacity: 1 << 19)
    reader = try CaptureRingReader(ring.descriptors, capacity: 1 << 19)
    bench.beginCapture(into: ring, filter)
  }

  /// What was kept since the last time.
  func all() throws -> [Kept] {
    var kept: [Kept] = []
    while try reader.take({ record, bytes in
      kept.append(Kept(record: record, bytes: bytes.indices.map { bytes[$0] }))
    }) {}
    return kept
  }

  var missedCount: UInt64 { reader.missedCount }
}
