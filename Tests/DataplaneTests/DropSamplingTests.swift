import Testing
import VXLAN

@testable import Dataplane

@Suite("which frames that end are told of")
struct DropSamplingTests {
  @Test("of each reason and direction one in an interval, the others counted")
  func intervals() {
    var sampling = DropSampling(workerCount: 2)
    let interval = DropSampling.interval * 2
    let told = [
      sampling.tells(.noPeer, .overlay, count: 1, now: 5),
      sampling.tells(.noPeer, .overlay, count: 3, now: 5 + interval - 1),
      sampling.tells(.shortFrame, .overlay, count: 10, now: 6),
      sampling.tells(.shortFrame, .underlay, count: 1, now: 7),
    ]
    #expect(told == [true, false, true, true])
    let untold = [sampling.takeUntold(), sampling.takeUntold()]
    #expect(untold == [3 + 9, 0], "of ten at once one is told")
    let isToldLater = sampling.tells(.noPeer, .overlay, count: 1, now: 5 + interval)
    #expect(isToldLater)
  }

  @Test("no two reasons or directions share a place")
  func places() {
    var sampling = DropSampling(workerCount: 1)
    for reason in DropReason.allCases {
      for direction in Direction.allCases {
        let isTold = sampling.tells(reason, direction, count: 1, now: 1)
        #expect(isTold, "\(reason), \(direction)")
      }
    }
  }

  @Test("the ring takes some between two looks and counts the rest, and events have places of their own")
  func ring() {
    let ring = EventRing()
    let drop = DroppedFrame(reason: .noPeer, direction: .overlay, segment: 0, time: Instant(nanoseconds: 1))
    for _ in 0..<(Limits.waitingDropCountMax + 5) { ring.note(drop) }
    ring.noteUntold(7)
    ring.note(
      OverlayEvent(.moved, mac: MACAddress(rawValue: 2), segment: 0, peer: nil, time: Instant(nanoseconds: 1)))
    #expect(ring.hasEvents)
    let news = ring.drain()
    #expect(news.events.count == 1)
    #expect(news.drops.count == Limits.waitingDropCountMax && news.untoldDropCount == 12)
    #expect(!ring.hasEvents && ring.drain().untoldDropCount == 0)
  }
}
