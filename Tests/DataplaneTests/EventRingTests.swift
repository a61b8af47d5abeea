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
  }
}
