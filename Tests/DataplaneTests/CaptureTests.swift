import LinuxIO
import TestKit
import Testing
import VXLAN

@testable import Dataplane

@Suite("what captures have of a worker")
struct CaptureTests {
  private let frame = Frames.ethernet(to: .station(1), from: .station(7), payload: Array(repeating: 5, count: 60))
  private let grouped = Frames.ethernet(to: .station(1), from: MACAddress(rawValue: 0x0100_5E00_0001))

  @Test("frames of both directions are kept as they are, without a reason, and peers of those that are known")
  func frames() throws {
    let bench = threePeers()
    let capture = try TestCapture(bench, CaptureFilter(wantsOuter: false))
    bench.fromUnderlay([fromPeer(1, frame)])
    let back = Frames.ethernet(to: .station(7), from: .station(1), payload: [1, 2, 3])
    bench.fromTAP([back])
    let kept = try capture.all()
    #expect(kept.map(\.bytes) == [frame, back])
    #expect(kept.map(\.record.direction) == [1, 0] && kept.map(\.record.peer) == [1, 1])
    #expect(kept.allSatisfy { $0.reason == nil && $0.record.vni == 42 && $0.record.kind == .inner })
  }

  @Test("datagrams of both directions are kept as they are, with the other end")
  func datagrams() throws {
    let bench = threePeers()
    let capture = try TestCapture(bench, CaptureFilter(wantsOuter: true))
    bench.fromUnderlay([fromPeer(1, frame)])
    let sent = bench.fromTAP([Frames.ethernet(to: .station(7), from: .station(1), payload: [1, 2, 3])])
    let kept = try capture.all()
    #expect(kept.map(\.bytes) == [Frames.vxlan(vni: 42, frame), sent[0].payload])
    #expect(kept.allSatisfy { $0.record.remote == peerAddress(1) && $0.record.vni == 42 && $0.record.kind == .outer })
  }

  @Test("each datagram that ends has its reason in both kinds of capture", arguments: [false, true])
  func reasons(wantsOuter: Bool) throws {
    let bench = threePeers()
    let capture = try TestCapture(bench, CaptureFilter(wantsOuter: wantsOuter))
    let cases: [(DropReason, FakeDatagramPort.Received)] = [
      (.fragment, .init(Frames.vxlan(vni: 42, frame), from: peerAddress(1), isFragmented: true)),
      (.shortHeader, .init([8], from: peerAddress(1))),
      (.noVNIFlag, .init(Frames.vxlan(vni: 42, flags: 0, frame), from: peerAddress(1))),
      (.reservedBits, .init(Frames.vxlan(vni: 42, lastByte: 1, frame), from: peerAddress(1))),
      (.unknownPeer, .init(Frames.vxlan(vni: 42, frame), from: peerAddress(200))),
      (.unknownVNI, .init(Frames.vxlan(vni: 77, frame), from: peerAddress(1))),
      (.shortFrame, fromPeer(1, [1, 2, 3])),
      (.oversize, fromPeer(1, frame + Array(repeating: 0, count: 4_000))),
      (.vlanTag, fromPeer(1, Frames.tagged(to: .station(1), from: .station(7), vlan: 3))),
      (.invalidSourceMAC, fromPeer(1, grouped)),
    ]
    for (reason, datagram) in cases {
      bench.fromUnderlay([datagram])
      let kept = try capture.all()
      #expect(kept.count == 1 && kept[0].reason == reason, "\(reason)")
      #expect(bench.drops(reason) == 1, "\(reason)")
      if wantsOuter { #expect(kept[0].bytes == datagram.payload, "\(reason)") }
    }
    bench.fromUnderlay(cases.map(\.1))
    #expect(try capture.all().map(\.reason) == cases.map(\.0), "in one batch too")
  }

  @Test("of joined datagrams each has its own reason, also where a filter leaves out others")
  func joined() throws {
    let bench = threePeers()
    let capture = try TestCapture(bench, CaptureFilter(wantsOuter: true, vni: 42))
    let own = Frames.vxlan(vni: 42, frame)
    var buffer = fromPeer(1, frame)
    buffer.payload = own + Frames.vxlan(vni: 99, frame) + own
    buffer.datagramByteCount = own.count
    bench.fromUnderlay([buffer])
    #expect(bench.drops(.unknownVNI) == 1)
    let kept = try capture.all()
    #expect(kept.map(\.bytes) == [own, own] && kept.allSatisfy { $0.reason == nil })
  }

  @Test("of datagrams sent together the beginning of each is kept")
  func snappedRun() throws {
    let bench = threePeers()
    bench.fromUnderlay([fromPeer(1, frame)])
    let whole = try TestCapture(bench, CaptureFilter(wantsOuter: true))
    let part = try TestCapture(bench, CaptureFilter(wantsOuter: true, snapByteCount: 20))
    let back = Frames.ethernet(to: .station(7), from: .station(1), payload: [1, 2, 3])
    let sent = bench.fromTAP([back, back, back])
    #expect(sent.count == 3)
    #expect(try whole.all().map { Int($0.record.frameCount) } == [3])
    let kept = try part.all()
    #expect(kept.map(\.bytes) == sent.map { Array($0.payload.prefix(20)) })
    #expect(kept.allSatisfy { $0.record.gsoByteCount == 0 && Int($0.record.byteCount) == sent[0].payload.count })
  }

  @Test("frames from a TAP that end have their reason, in the order in which they came")
  func fromTAP() throws {
    let bench = threePeers()
    let capture = try TestCapture(bench, CaptureFilter(wantsOuter: false))
    let frames = [frame, grouped, Frames.tagged(to: .station(1), from: .station(7), vlan: 3), [1, 2, 3], frame]
    bench.fromTAP(frames)
    let kept = try capture.all()
    #expect(kept.map(\.bytes) == frames)
    #expect(kept.map(\.reason) == [nil, .invalidSourceMAC, .vlanTag, .shortFrame, nil])
  }

  @Test("what is refused by the socket or the TAP is there with its reason")
  func refused() throws {
    let bench = threePeers()
    bench.fromUnderlay([fromPeer(1, frame)])
    let inner = try TestCapture(bench, CaptureFilter(wantsOuter: false))
    let outer = try TestCapture(bench, CaptureFilter(wantsOuter: true))
    bench.sockets.failures = [1: 11]
    let back = Frames.ethernet(to: .station(7), from: .station(1), payload: [1, 2, 3])
    bench.fromTAP([back])
    let kept = try inner.all()
    #expect(kept.map(\.bytes) == [back, back] || kept.map(\.bytes) == [back, back].reversed())
    #expect(Set(kept.map(\.reason)) == [nil, .socketFull])
    #expect(kept.first { $0.reason != nil }?.record.marks.contains(.isRepeated) == true)
    #expect(try outer.all().map(\.reason) == [.socketFull])
    bench.taps[0].writeFailure = 5
    bench.fromUnderlay([fromPeer(1, frame)])
    #expect(try inner.all().map(\.reason) == [.tapDown] && outer.all().map(\.reason) == [.tapDown])
  }

  @Test("only what a filter names is kept, and as much of it")
  func filters() throws {
    let bench = threePeers()
    let other = try TestCapture(bench, CaptureFilter(wantsOuter: false, vni: 43))
    let peer = try TestCapture(bench, CaptureFilter(wantsOuter: false, peer: 2, snapByteCount: 14))
    let nobody = try TestCapture(bench, CaptureFilter(wantsOuter: true, peer: .max))
    bench.fromUnderlay([fromPeer(1, frame), fromPeer(2, frame)])
    bench.fromTAP([Frames.ethernet(to: .station(99), from: .station(1))])
    let kept = try peer.all()
    #expect(kept.map(\.record.peer) == [2, -1] && kept[0].bytes == Array(frame.prefix(14)))
    #expect(Int(kept[0].record.byteCount) == frame.count)
    #expect(try other.all().isEmpty && nobody.all().isEmpty)
  }

  @Test("row 49: a reader that stands still loses records and no frame, and what it missed is counted")
  func standingStill() throws {
    let bench = threePeers()
    let capture = try TestCapture(bench, CaptureFilter(wantsOuter: false))
    let long = Frames.ethernet(to: .station(1), from: .station(7), payload: Array(repeating: 5, count: 1_400))
    for _ in 0..<100 { bench.fromUnderlay((0..<8).map { _ in fromPeer(1, long) }) }
    let kept = try capture.all()
    #expect(bench.taps[0].written.count == 800 && kept.count < 800 && kept.count > 300)
    #expect(UInt64(kept.count) + capture.missedCount == 800)
    #expect(kept.allSatisfy { $0.bytes == long })
    bench.fromUnderlay([fromPeer(1, frame)])
    #expect(try capture.all().map(\.bytes) == [frame], "and goes on once it reads")
  }

  @Test("four captures are kept apart, and one that has ended leaves the others as they are")
  func several() throws {
    let bench = threePeers()
    let captures = try (0..<Captures.countMax).map { _ in try TestCapture(bench, CaptureFilter(wantsOuter: false)) }
    bench.fromUnderlay([fromPeer(1, frame)])
    bench.endCapture(into: captures[1].ring)
    bench.fromUnderlay([fromPeer(1, frame)])
    #expect(try captures.map { try $0.all().count } == [2, 1, 2, 2])
    for capture in captures { bench.endCapture(into: capture.ring) }
    bench.fromUnderlay([fromPeer(1, frame)])
    #expect(try captures.allSatisfy { try $0.all().isEmpty })
  }

  @Test("a second of full rate is paced, and a pause gives the allowance back")
  func pace() {
    var pace = CapturePace()
    pace.advance(to: 1_000_000_000)
    var count = 0
    while pace.take(1_500) { count += 1 }
    #expect(count == CapturePace.burstByteCount / (1_500 + CapturePace.recordCost) + 1)
    pace.advance(to: 1_000_000_001)
    let isTaken = pace.take(0)
    #expect(!isTaken)
    pace.advance(to: 3_000_000_000)
    let isTakenLater = pace.take(1_500)
    #expect(isTakenLater)
  }
}
