import Forwarding
import LinuxIO
import TestKit
import Testing
import VXLAN

@testable import Dataplane

@Suite("flapping addresses")
struct FlappingTests {
  private let claimed = MACAddress.station(9)

  /// Frames from the claimed address, in turn by peers 0 and 1.
  private func claim(_ bench: EngineBench, count: Int) -> Int {
    (0..<count).reduce(0) { written, number in
      written + bench.fromUnderlay([fromPeer(number % 2, Frames.ethernet(to: .station(1), from: claimed))])[0].count
    }
  }

  /// To how many peers a frame from the TAP to `mac` goes.
  private func spread(_ bench: EngineBench, to mac: MACAddress) -> Int {
    bench.fromTAP([Frames.ethernet(to: mac, from: .station(1))]).count
  }

  @Test("row 11: frames from a claimed address are all delivered, those to it flooded, and one alarm is noted")
  func claimed1000Times() {
    let bench = threePeers()
    bench.fromUnderlay([fromPeer(2, Frames.ethernet(to: .station(1), from: .station(8)))])
    #expect(claim(bench, count: 1000) == 1000)
    #expect(spread(bench, to: claimed) == 3 && spread(bench, to: .station(8)) == 1)
    let events = bench.topology.events.drain().events
    #expect(events.map(\.kind) == [.flapping])
    #expect(events.first?.mac == claimed && events.first?.segment == 0 && events.first?.peer == 1)
    expectBalance(bench)
    // 30 s later, without another claim, the next frame teaches where it is.
    bench.now = bench.now + .seconds(31)
    #expect(claim(bench, count: 1) == 1 && spread(bench, to: claimed) == 1)
  }

  @Test("new and moved addresses are told while somebody listens, and not else")
  func listeners() {
    for wantsAll in [false, true] {
      let bench = threePeers()
      bench.topology.events.wantsAll = wantsAll
      _ = claim(bench, count: 3)
      let events = bench.topology.events.drain().events
      #expect(events.map(\.kind) == (wantsAll ? [.learned, .moved, .moved] : []))
      #expect(events.map(\.peer) == (wantsAll ? [0, 1, 0] : []))
    }
  }

  @Test("with more entries than the caches hold, which are fetched ahead, each frame goes to its own peer")
  func largeTable() {
    let bench = threePeers()
    for station in 0..<20_000 {
      bench.topology.withFDB(ofSegment: 0) {
        _ = $0.learn(.station(100 + station), from: .peer(station % 3), now: bench.now.seconds)
      }
    }
    let frames = (0..<300).map { Frames.ethernet(to: .station(100 + $0), from: .station(1)) }
    let sent = bench.fromTAP(frames + [[1, 2, 3]])
    #expect(sent.map(\.peer) == (0..<300).map { $0 % 3 } && bench.drops(.shortFrame) == 1)
    expectBalance(bench)
  }
}
