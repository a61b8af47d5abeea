import Dataplane
@testable import Forwarding
import TestKit
import Testing
import VXLAN

@testable import Agent

@Suite("what one agent leaves to the next")
struct CarriedStateTests {
  private static let traffic = PeerTraffic(receivedByteCount: 5, sentByteCount: 6, lastReceive: 7)

  private static func counters(_ overlay: [String: UInt64] = [:]) -> CarriedCounters {
    let engine = CounterSource.snapshot()
    var counters = CarriedCounters(of: engine, segment: 0)
    counters.overlay = overlay
    return counters
  }

  private static func state() -> CarriedState {
    var state = CarriedState()
    state.segments = [
      .init(
        vni: 42, tap: "vx42", isSealed: true, addresses: ["10.42.0.1/24"], bridge: "br42", ownsBridge: true,
        history: FDBHistory(refusedCount: 1, moveCount: 2, freezeCount: 3, agedCount: 4))
    ]
    state.peers = [
      .init(
        name: "b", address: "192.0.2.2", publicKey: "k", presentAddress: "192.0.2.9", presentPort: 4790, pathMTU: 1400)
    ]
    state.workers = [
      .init(
        segments: [counters(["framesIn": 3, "framesOut": 3])], none: counters(), peers: [traffic],
        batches: BatchCounters())
    ]
    state.handshakes = .init(consumed: 1, refused: 2, bytes: 3)
    return state
  }

  @Test("state is read as it was written, and keys that a later version adds are passed over")
  func roundTrip() throws {
    let bytes = try ReportJSON.encode(Self.state())
    #expect(CarriedState.decode(bytes) == Self.state())
    let text = String(decoding: bytes, as: UTF8.self).replacing("{\"handshakes\"", with: "{\"zz\":[1],\"handshakes\"")
    #expect(CarriedState.decode(Array(text.utf8)) == Self.state())
  }

  @Test("a worker that counts another number of segments or peers makes it no state")
  func shapes() throws {
    for change in [
      { (state: inout CarriedState) in state.workers[0].segments = [] }, { $0.workers[0].peers = [] },
      { $0.segments = [] }, { $0.peers += $0.peers },
    ] {
      var state = Self.state()
      change(&state)
      #expect(CarriedState.decode(try ReportJSON.encode(state)) == nil)
    }
  }

  @Test("counts whose sum is 2^62 or more are no state, one less is")
  func sums() throws {
    for (count, isState) in [((UInt64(1) << 62) - 1, true), (1 << 62, false), (.max, false)] {
      var state = Self.state()
      state.workers[0] = .init(
        segments: [Self.counters(["bytesIn": count])], none: Self.counters(), peers: [PeerTraffic()],
        batches: BatchCounters())
      state.segments[0].history = FDBHistory(refusedCount: 0, moveCount: 0, freezeCount: 0, agedCount: 0)
      state.handshakes = nil
      #expect((CarriedState.decode(try ReportJSON.encode(state)) != nil) == isState, "\(count)")
    }
  }

  @Test("whatever bytes come, nothing traps")
  func hostile() throws {
    let seed = TestSeed.next("what one agent leaves to the next")
    var generator = SeededGenerator(seed: seed)
    let whole = try ReportJSON.encode(Self.state())
    for _ in 0..<3_000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      if generator.isOne(in: 3) { bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator))) }
      _ = CarriedState.decode(bytes)
    }
    #expect(CarriedState.decode([]) == nil)
    #expect(CarriedState.decode(Array(String(repeating: "[", count: 100_000).utf8)) == nil)
  }
}

/// A snapshot of nothing.
enum CounterSource {
  static func snapshot() -> CounterSnapshot {
    let segment = SegmentPlan(vni: VNI(unchecked: 42), overlayMTU: 1450, ownMAC: .zero)
    return EngineBench(segments: [segment], peers: []).snapshot()
  }
}
