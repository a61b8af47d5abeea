import Synchronization
import Testing
import VXLAN

@testable import Dataplane

@Suite("Event ring")
struct EventRingTests {
  private static func event(_ kind: OverlayEvent.Kind, _ station: UInt64) -> OverlayEvent {
    OverlayEvent(
      kind, mac: MACAddress(rawValue: station), segment: 0, peer: 1, time: Instant(nanoseconds: station))
  }

  @Test("events come out in the order in which they were noted, once")
  func order() {
    let ring = EventRing()
    let noted = [Self.event(.moved, 1), Self.event(.flapping, 2), Self.event(.loop, 3)]
    for event in noted { ring.note(event) }
    let drained = ring.drain()
    #expect(drained.events == noted && drained.lostCount == 0)
    #expect(ring.drain().events.isEmpty)
  }

  @Test("a full ring counts what it loses, and keeps a quarter of its places for alarms")
  func bound() {
    let ring = EventRing()
    for station in 0..<2000 { ring.note(Self.event(.learned, UInt64(station))) }
    for station in 0..<300 { ring.note(Self.event(.loop, UInt64(station))) }
    let drained = ring.drain()
    #expect(drained.events.count == Limits.waitingEventCountMax)
    #expect(drained.events.filter { $0.kind == .loop }.count == Limits.waitingEventCountMax / 4)
    #expect(drained.lostCount == UInt64(2300 - Limits.waitingEventCountMax))
    #expect(ring.drain().lostCount == 0)
  }

  @Test("the reader is woken by the first event after each drain only")
  func news() {
    let wakeCount = Atomic<Int>(0)
    let ring = EventRing { wakeCount.add(1, ordering: .relaxed) }
    for round in 1...3 {
      for station in 0..<5 { ring.note(Self.event(.moved, UInt64(station))) }
      #expect(wakeCount.load(ordering: .relaxed) == round)
      _ = ring.drain()
    }
    let drop = DroppedFrame(reason: .noPeer, direction: .overlay, segment: 0, time: Instant(nanoseconds: 1))
    ring.note(drop)
    ring.note(Self.event(.moved, 1))
    #expect(wakeCount.load(ordering: .relaxed) == 4, "a frame that ends and an event wake it once")
    #expect(ring.drain().drops.count == 1)
    ring.note(Self.event(.moved, 2))
    #expect(wakeCount.load(ordering: .relaxed) == 5, "both were taken")
  }

  @Test("who begins to listen while nobody is believed to is heard, and who has gone is forgotten")
  func listener() {
    let ring = EventRing()
    for toDrops in [false, true] {
      var isThere = false
      ring.follow { asked in
        guard asked == toDrops, !isThere else { return isThere && (toDrops || !asked) }
        // The answer is no, and true no more when it is used.
        isThere = true
        ring.listen(toDrops: toDrops)
        return false
      }
      #expect(ring.wantsAll && ring.wantsDrops == toDrops)
    }
    ring.follow { toDrops in !toDrops }
    #expect(ring.wantsAll && !ring.wantsDrops)
    ring.follow { _ in false }
    #expect(!ring.wantsAll && !ring.wantsDrops)
  }
}
