import Dataplane
import LinuxIO
import TestKit
import Testing

@Suite("counters of calls")
struct BatchCountersTests {
  @Test("a superframe is one read, one send and many datagrams")
  func superframeOut() {
    let bench = SuperframeBench.encapsulating()
    let (frame, header) = InnerFlow().superframe(SuperframeBench.payload(10_000), gsoByteCount: 1000)
    bench.taps[0].offload = header
    bench.fromTAP([frame])
    let batches = bench.snapshot().batches
    #expect(batches.tapReads == 1 && batches.sends == 1 && batches.datagramsSent == 10)
    #expect(batches.receives == 0 && batches.tapWrites == 0)
  }

  @Test("copies of a flooded frame are sends and datagrams of their own")
  func copies() {
    let bench = SuperframeBench.encapsulating(peers: [0, 1, 2])
    bench.fromTAP([InnerFlow().frame(SuperframeBench.payload(100))])
    let batches = bench.snapshot().batches
    #expect(batches.tapReads == 1 && batches.sends == 3 && batches.datagramsSent == 3)
  }

  @Test("a send that fails counts, its datagrams do not")
  func failedSend() {
    let bench = SuperframeBench.encapsulating()
    bench.sockets.failures = [0: 1]
    bench.fromTAP([InnerFlow().frame(SuperframeBench.payload(100))])
    let batches = bench.snapshot().batches
    #expect(batches.sends == 1 && batches.datagramsSent == 0)
  }

  @Test("joined segments are receives by buffer and one write")
  func joinedIn() {
    let bench = SuperframeBench.merging()
    let segments = InnerFlow().segments(SuperframeBench.payload(700), byteCount: 100)
    bench.fromUnderlay(segments.map { fromPeer(0, $0) })
    let batches = bench.snapshot().batches
    #expect(batches.receives == UInt64(segments.count) && batches.tapWrites == 1)
    #expect(batches.tapReads == 0 && batches.sends == 0)
  }

  @Test("the sum of two workers adds each count")
  func sum() {
    var a = BatchCounters()
    (a.tapReads, a.sends, a.datagramsSent, a.receives, a.tapWrites) = (1, 2, 3, 4, 5)
    let sum = a + a
    #expect(sum.tapReads == 2 && sum.sends == 4 && sum.datagramsSent == 6)
    #expect(sum.receives == 8 && sum.tapWrites == 10)
  }
}
