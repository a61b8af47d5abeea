import Dataplane
import TestKit
import Testing
import VXLAN

@Suite("frames that end, for those who listen")
struct DroppedFrameTests {
  private let grouped = Frames.ethernet(to: .station(1), from: MACAddress(rawValue: 0x0100_5E00_0001))

  private func told(_ bench: EngineBench) -> [DroppedFrame] {
    bench.topology.events.drain().drops.map { drop in
      var drop = drop
      drop.time = Instant(nanoseconds: 0)
      return drop
    }
  }

  @Test("while nobody listens none is told of, and all are counted")
  func unheard() {
    let bench = threePeers()
    bench.fromUnderlay([fromPeer(1, grouped)])
    let drained = bench.topology.events.drain()
    #expect(drained.drops.isEmpty && drained.untoldDropCount == 0 && bench.drops(.invalidSourceMAC) == 1)
    #expect(!bench.topology.events.hasEvents)
  }

  @Test("while somebody does, each is told of with what is known, or counted")
  func heard() {
    let bench = threePeers()
    bench.topology.events.listen(toDrops: true)
    let start = Instant(nanoseconds: 0)
    bench.fromUnderlay([fromPeer(1, grouped), fromPeer(2, grouped), .init([8], from: peerAddress(2))])
    bench.fromTAP([grouped])
    #expect(
      told(bench) == [
        DroppedFrame(
          reason: .invalidSourceMAC, direction: .underlay, mac: MACAddress(rawValue: 0x0100_5E00_0001), segment: 0,
          peer: 1, time: start),
        DroppedFrame(reason: .shortHeader, direction: .underlay, peer: 2, time: start),
        DroppedFrame(
          reason: .invalidSourceMAC, direction: .overlay, mac: MACAddress(rawValue: 0x0100_5E00_0001), segment: 0,
          time: start),
      ])
    bench.fromUnderlay([fromPeer(1, grouped)])
    #expect(bench.topology.events.drain().untoldDropCount == 1, "within the same hundredth of a second")
    #expect(bench.drops(.invalidSourceMAC) == 4)
  }
}
