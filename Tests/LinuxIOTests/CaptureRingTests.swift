import Glibc
import Synchronization
import TestKit
import Testing

@testable import LinuxIO

@Suite("the ring of a capture")
struct CaptureRingTests {
  private static let capacity = 1 << 19

  private struct Ends {
    let ring: CaptureRing
    var writer: CaptureRingWriter
    let reader: CaptureRingReader

    init() throws {
      ring = try CaptureRing(capacity: CaptureRingTests.capacity)
      writer = ring.makeWriter()
      reader = try CaptureRingReader(ring.descriptors, capacity: CaptureRingTests.capacity)
    }

    /// Writes a record whose bytes are `fill`; false when there was no place.
    mutating func write(_ byteCount: Int, fill: UInt8, time: UInt64 = 0) -> Bool {
      guard let place = writer.reserve(byteCount) else { return false }
      var record = CaptureRecord(.inner, direction: 1, byteCount: byteCount)
      record.time = time
      writer.put(record, capturedByteCount: byteCount, at: place)
      // SAFETY: reserved for so many bytes.
      memset(place + CaptureRecord.byteCount, Int32(fill), byteCount)
      return true
    }

    func read() throws -> (byteCount: Int, fill: UInt8?, isWhole: Bool)? {
      var result: (Int, UInt8?, Bool)?
      _ = try reader.take { record, bytes in
        var isWhole = bytes.count == Int(record.byteCount)
        for index in bytes.indices where bytes[index] != bytes[0] { isWhole = false }
        result = (bytes.count, bytes.isEmpty ? nil : bytes[0], isWhole)
      }
      return result
    }
  }

  @Test("a record is 64 bytes, and nothing is seen of one before it is published")
  func publishing() throws {
    #expect(MemoryLayout<CaptureRecord>.size == CaptureRecord.byteCount)
    var ends = try Ends()
    let isWritten = ends.write(100, fill: 7)
    #expect(isWritten)
    #expect(try ends.read() == nil)
    ends.writer.publish()
    let read = try #require(try ends.read())
    #expect(read == (100, 7, true))
    #expect(try ends.read() == nil)
  }

  @Test("records of random lengths come out as they went in, round and round, and what found no place is counted")
  func order() throws {
    let seed = TestSeed.next("capture ring")
    var generator = SeededGenerator(seed: seed)
    var ends = try Ends()
    var waiting: [(Int, UInt8)] = []
    var missed: UInt64 = 0
    for round in 0..<4_000 {
      let byteCount = Int.random(in: 0...(round % 8 == 0 ? Limits.frameByteCountMax : 1_500), using: &generator)
      let fill = UInt8.random(in: 0...255, using: &generator)
      if ends.write(byteCount, fill: fill) { waiting.append((byteCount, fill)) } else { missed += 1 }
      ends.writer.publish()
      while !waiting.isEmpty, Int.random(in: 0...2, using: &generator) == 0 {
        let (byteCount, fill) = waiting.removeFirst()
        let read = try #require(try ends.read(), "seed \(seed), round \(round)")
        #expect(read.byteCount == byteCount && read.isWhole, "seed \(seed), round \(round)")
        if byteCount > 0 { #expect(read.fill == fill) }
      }
    }
    #expect(missed > 0 && ends.reader.missedCount == missed, "seed \(seed)")
  }

  @Test("a reader that stands still costs records only: the newest are missed, the oldest are whole")
  func full() throws {
    var ends = try Ends()
    var count = 0
    while ends.write(1_000, fill: UInt8(truncatingIfNeeded: count)) { count += 1 }
    #expect(count == Self.capacity / 1_088)
    for _ in 0..<100 where ends.write(1_000, fill: 0) { Issue.record("a place in a full ring") }
    ends.writer.publish()
    #expect(ends.reader.missedCount == 101)
    for number in 0..<count {
      let read = try #require(try ends.read())
      #expect(read == (1_000, UInt8(truncatingIfNeeded: number), true))
    }
  }

  @Test(
    "whatever a reader claims to have read, nothing that was not read is written over",
    arguments: [0, 1, 63, 64, UInt64(capacity), UInt64(capacity) * 3, .max, .max - 63, 1 << 63])
  func claims(position: UInt64) throws {
    var ends = try Ends()
    let page = try SharedPages(
      mapping: ends.ring.descriptors[1], byteCount: CaptureRing.pageByteCount, isWritable: true)
    var count = 0
    while ends.write(1_000, fill: UInt8(truncatingIfNeeded: count)) {
      ends.writer.publish()
      count += 1
    }
    CaptureRing.word(page.start, at: 0).pointee.store(position, ordering: .releasing)
    var more = 0
    while more < 2_000, ends.write(1_000, fill: 1) {
      ends.writer.publish()
      more += 1
    }
    // What lies between what was read before and what was written may be claimed; it frees no more than that.
    #expect(more <= count)
    if position > UInt64(Self.capacity) { #expect(more == 0) }
  }

  @Test("whoever gets the descriptors can neither write records nor change a length")
  func seals() throws {
    let ends = try Ends()
    let descriptors = ends.ring.descriptors
    #expect(mmap(nil, 4_096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptors[0], 0) == MAP_FAILED && errno == EPERM)
    var byte: UInt8 = 1
    #expect(pwrite(descriptors[0], &byte, 1, 0) < 0 && errno == EPERM)
    for descriptor in descriptors {
      #expect(ftruncate(descriptor, 0) < 0 && errno == EPERM)
      #expect(ftruncate(descriptor, 1 << 30) < 0 && errno == EPERM)
    }
    #expect(throws: Errno.self) { _ = try CaptureRingReader(descriptors, capacity: Self.capacity * 2) }
    #expect(throws: Errno.self) { _ = try CaptureRingReader(descriptors.reversed(), capacity: Self.capacity) }
  }

  @Test("memory that is no ring's is refused or ends the reading, whatever it holds")
  func broken() throws {
    let seed = TestSeed.next("capture ring")
    var generator = SeededGenerator(seed: seed)
    for round in 0..<200 {
      var ends = try Ends()
      for _ in 0..<3 where !ends.write(200, fill: 9) { Issue.record("no place") }
      ends.writer.publish()
      let pages = ends.ring.start
      for _ in 0..<4 {
        let offset = CaptureRing.pageByteCount + Int.random(in: 0..<256, using: &generator)
        pages.storeBytes(of: UInt8.random(in: 0...255, using: &generator), toByteOffset: offset, as: UInt8.self)
      }
      if round % 4 == 0 {
        let word = UInt64.random(in: 0...(.max), using: &generator)
        CaptureRing.word(pages, at: CaptureRing.writtenOffset).pointee.store(word, ordering: .releasing)
      }
      // To its end or to what cannot be understood.
      do { for _ in 0..<10 where try ends.read() == nil { break } } catch {
        #expect(error is CaptureRingReader.Broken, "seed \(seed), round \(round)")
      }
    }
  }
}
