import Forwarding
import LinuxIO
import TestKit
import Testing
import VXLAN

@testable import Dataplane

@Suite("what captures have of sealed segments")
struct SealedCaptureTests {
  @Test("frames are captured in clear, datagrams as they are on the underlay")
  func inClear() throws {
    let bench = SealedBench()
    bench.learnThere()
    let sending = try [false, true].map { try TestCapture(bench.near.engine, CaptureFilter(wantsOuter: $0)) }
    let receiving = try [false, true].map { try TestCapture(bench.far.engine, CaptureFilter(wantsOuter: $0)) }
    let frame = SealedBench.frame(1)
    let datagram = bench.seal([frame])[0].payload
    #expect(bench.open([datagram]) == [frame])
    for (captures, direction) in [(sending, UInt8(0)), (receiving, 1)] {
      let (inner, outer) = (try captures[0].all(), try captures[1].all())
      #expect(inner.map(\.bytes) == [frame] && outer.map(\.bytes) == [datagram])
      for kept in inner + outer {
        #expect(kept.reason == nil && kept.record.vni == 42 && kept.record.direction == direction)
        #expect(kept.record.peer == 0)
      }
      #expect(outer[0].record.marks.contains(.isSealed) && !inner[0].record.marks.contains(.isSealed))
    }
  }

  @Test(
    "each datagram that ends has its reason, and what could not be opened shows its header", arguments: [false, true])
  func reasons(wantsOuter: Bool) throws {
    let bench = SealedBench()
    bench.learnThere()
    let datagram = bench.seal([SealedBench.frame(1)])[0].payload
    let capture = try TestCapture(bench.far.engine, CaptureFilter(wantsOuter: wantsOuter))
    func changed(_ offset: Int, to value: UInt8) -> [UInt8] {
      var copy = datagram
      copy[offset] = value
      return copy
    }
    #expect(bench.open([datagram]).count == 1)
    _ = try capture.all()
    let cases: [(DropReason, [UInt8])] = [
      (.shortHeader, Array(datagram.prefix(7))), (.framing, Array(datagram.prefix(32))),
      (.framing, changed(1, to: 1)), (.unknownVNI, changed(6, to: 99)),
      (.unknownSession, changed(10, to: datagram[10] ^ 1)), (.authentication, changed(15, to: datagram[15] ^ 1)),
      (.replay, datagram),
    ]
    for (reason, bytes) in cases {
      #expect(bench.open([bytes]).isEmpty)
      let kept = try capture.all()
      #expect(kept.map(\.reason) == [reason], "\(reason)")
      #expect(Int(kept[0].record.byteCount) == bytes.count, "\(reason)")
      #expect(kept[0].bytes.prefix(16) == bytes.prefix(16), "\(reason)")
      if wantsOuter { #expect(kept[0].bytes == bytes, "\(reason)") }
    }
    #expect(bench.open(cases.map(\.1)).isEmpty)
    #expect(try capture.all().map(\.reason) == cases.map(\.0), "in one batch too")
  }

  @Test("a frame that has waited for a session in vain is there again, in clear and with its reason")
  func waiting() throws {
    let bench = SealedBench(hasSession: false)
    let capture = try TestCapture(bench.near.engine, CaptureFilter(wantsOuter: false))
    let frame = SealedBench.frame(1)
    _ = bench.near.engine.topology.withFDB(ofSegment: 0) { $0.learn(SealedBench.there, from: .peer(0), now: 1_000) }
    _ = bench.near.engine.fromTAP([frame])
    bench.advance(by: .seconds(11))
    bench.near.engine.expireWaiting()
    let kept = try capture.all()
    #expect(kept.map(\.bytes) == [frame, frame] && kept.map(\.reason) == [nil, .noSession])
    #expect(kept[1].record.marks.contains(.isRepeated) && kept[1].record.peer == 0)
    bench.expectBalance()
  }
}
