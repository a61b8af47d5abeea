import Capture
import Testing

@testable import Verify

@Suite struct ReadAheadTests {
  /// Packets of growing sizes, each full of its number, then an end.
  private final class Packets: PacketSource {
    let linkType = LinkType.ethernet
    let snapshotByteCount = 0
    private let count: Int
    private let end: CaptureError?
    private var number = 0
    private let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 2000)

    init(count: Int, end: CaptureError? = nil) {
      self.count = count
      self.end = end
    }

    deinit { buffer.deallocate() }

    func step() throws(CaptureError) -> PacketStep {
      guard number < count else {
        if let end { throw end }
        return .end
      }
      defer { number += 1 }
      buffer.update(repeating: UInt8(truncatingIfNeeded: number))
      let bytes = UnsafeBufferPointer(rebasing: buffer.prefix(number % 2000))
      return .packet(CapturedPacket(time: Int64(number), bytes: bytes, wireByteCount: bytes.count + 1))
    }
  }

  @Test(arguments: [0, 1, 1024, 1025, 5000])
  func `Every packet comes as it is read, in order`(count: Int) throws {
    let source = try ReadAhead(Packets(count: count))
    for number in 0..<count {
      guard case .packet(let packet) = try source.step() else {
        Issue.record("no packet \(number)")
        return
      }
      try #require(packet.time == Int64(number) && packet.bytes.count == number % 2000)
      try #require(packet.wireByteCount == packet.bytes.count + 1)
      try #require(packet.bytes.allSatisfy { $0 == UInt8(truncatingIfNeeded: number) })
    }
    guard case .end = try source.step() else {
      Issue.record("no end")
      return
    }
  }

  @Test func `What ends the reading is told after the packets before it`() throws {
    let source = try ReadAhead(Packets(count: 1500, end: CaptureError("cut")))
    for _ in 0..<1500 { _ = try source.step() }
    #expect(throws: CaptureError("cut")) { _ = try source.step() }
  }

  @Test func `It can be left before the end`() throws {
    let source = try ReadAhead(Packets(count: 100_000))
    _ = try source.step()
  }
}
