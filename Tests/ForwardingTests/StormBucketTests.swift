import Forwarding
import Synchronization
import TestKit
import Testing
import VXLAN

@Suite("Storm bucket")
struct StormBucketTests {
  private static let start = Instant(nanoseconds: 1_000_000_000_000)

  private func taken(_ bucket: borrowing StormBucket, offered: Int, over seconds: Double, size: Int = 1) -> Int {
    var count = 0
    for number in 0..<offered {
      let offset = UInt64(Double(number) / Double(offered) * seconds * 1e9)
      if bucket.take(size, now: Instant(nanoseconds: Self.start.nanoseconds + offset)) { count += size }
    }
    return count
  }

  @Test(
    "of 200,000 frames a second the limit passes, and once the burst of a tenth of a second",
    arguments: [
      1, 7, 10_000, 33_333,
    ])
  func rate(limit: Int) {
    let count = taken(StormBucket(perSecond: limit), offered: 600_000, over: 3)
    let most = 3 * limit + max(1, limit / 10)
    #expect(count <= most && Double(count) >= Double(most) * 0.98 - 1, "\(count) of \(most)")
  }

  @Test("a rest fills the bucket to a burst and no further")
  func burst() {
    let bucket = StormBucket(perSecond: 1000)
    for pause: UInt64 in [0, 1, 3600] {
      let now = Instant(nanoseconds: Self.start.nanoseconds + pause * 1_000_000_000)
      #expect((0..<500).count { _ in bucket.take(1, now: now) } == 100)
    }
    #expect(bucket.refusedCount() == 1200)
  }

  @Test("a superframe counts its segments; one larger than the burst passes from a full bucket and is paid back")
  func superframes() {
    let counted = taken(StormBucket(perSecond: 10_000), offered: 20_000, over: 2, size: 44)
    #expect(counted <= 21_000 && counted >= 20_900)
    let large = taken(StormBucket(perSecond: 100), offered: 20_000, over: 4, size: 44)
    #expect(large <= 400 + 44 && large >= 400 - 44, "\(large)")
  }

  @Test("zero is no limit")
  func none() {
    let bucket = StormBucket(perSecond: 0)
    #expect((0..<100_000).allSatisfy { _ in bucket.take(64, now: Self.start) } && bucket.refusedCount() == 0)
  }

  @Test("buckets one behind the other share no 128 bytes; what is asked for and what is counted no cache line")
  func layout() {
    #expect(MemoryLayout<StormBucket>.stride == 128 && StormBucket.alignment == 128)
    let bucket = UnsafeMutablePointer<StormBucket>.allocate(capacity: 1)
    defer { bucket.deallocate() }
    bucket.initialize(to: StormBucket(perSecond: 10))
    defer { bucket.deinitialize(count: 1) }
    func bytes() -> [UInt8] { Array(UnsafeRawBufferPointer(start: bucket, count: 128)) }
    /// Which bytes another frame changes.
    func written() -> [Int] {
      let before = bytes()
      _ = bucket.pointee.take(1, now: Self.start)
      return zip(before, bytes()).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
    }
    let (passing, refused) = (written(), written())
    #expect(!passing.isEmpty && passing.allSatisfy { $0 < 64 } && !refused.isEmpty && refused.allSatisfy { $0 >= 64 })
  }

  @Test("several workers share one limit, and every refused frame is counted")
  func shared() async {
    final class Shared: Sendable { let bucket = StormBucket(perSecond: 10_000) }
    let shared = Shared()
    let taken = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          (0..<50_000).count {
            shared.bucket.take(1, now: Instant(nanoseconds: Self.start.nanoseconds + UInt64($0) * 20_000))
          }
        }
      }
      return await group.reduce(0, +)
    }
    // Threads that run behind each other see the clock go back, which gives nothing away.
    #expect(taken <= 11_000 && taken >= 10_900, "\(taken)")
    #expect(shared.bucket.refusedCount() == 200_000 - UInt64(taken))
  }
}
