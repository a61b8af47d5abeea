import TestKit
import Testing
import VXLAN

@testable import Dataplane

@Suite("counters that another process goes on from")
struct CarriedCountersTests {
  private func engine() -> Engine {
    let segment = SegmentPlan(vni: VNI(unchecked: 42), overlayMTU: 1450, ownMAC: MACAddress(rawValue: 0x0200_0000_00FF))
    let peer = PeerPlan(endpoint: Endpoint(address: IPAddress(ipv4: 0xC000_0202), udpPort: 4789))
    let topology = Topology(
      segments: [segment], peers: [peer], hash: KeyedHash(key0: 1, key1: 2), now: Instant(nanoseconds: 0))
    return Engine(
      topology: topology, framePorts: [FakeFramePort()], datagramPort: FakeDatagramPort(), sourcePortCount: 1,
      flowKey: KeyedHash(key0: 3, key1: 4))
  }

  private func counted(_ change: (inout CarriedCounters) -> Void) -> CarriedCounters {
    let fresh = engine()
    var counters = CarriedCounters(of: fresh.snapshot(), segment: 0)
    #expect(counters.overlay.isEmpty && counters.underlay.isEmpty)
    change(&counters)
    return counters
  }

  @Test("every counter and drop reason arrives as it was, of a segment and of none, and is added to what is there")
  func everything() {
    var number: UInt64 = 1
    let carried = counted { counters in
      for direction in Direction.allCases {
        var all: [String: UInt64] = [:]
        for counter in Counter.allCases where counter != .framesIn && counter != .waiting {
          number += 1
          all["\(counter)"] = number
        }
        for reason in DropReason.allCases where reason.applies(to: direction) {
          number += 1
          all[reason.name] = number
        }
        let drops = DropReason.allCases.compactMap { all[$0.name] }.reduce(0, +)
        all["framesIn"] = drops + (all["framesOut"] ?? 0) + (all["consumed"] ?? 0)
        if direction == .overlay { counters.overlay = all } else { counters.underlay = all }
      }
    }
    var heir = engine()
    heir.carry(carried, segment: 0)
    #expect(CarriedCounters(of: heir.snapshot(), segment: 0) == carried)
    heir.carry(carried, segment: 0)
    #expect(heir.snapshot().value(.framesIn, .overlay, segment: 0) == 2 * (carried.overlay["framesIn"] ?? 0))
    heir.carry(carried, segment: Counters.noSegment)
    #expect(CarriedCounters(of: heir.snapshot(), segment: Counters.noSegment) == carried)
    #expect(Direction.allCases.allSatisfy { heir.snapshot().imbalance($0) == 0 })
  }

  @Test("frames that waited have ended for want of a session, and the identity holds")
  func waiting() {
    let carried = counted { $0.overlay = ["framesIn": 10, "framesOut": 3, "no-session": 2, "waiting": 5] }
    var heir = engine()
    heir.carry(carried, segment: 0)
    let snapshot = heir.snapshot()
    #expect(snapshot.value(.noSession, .overlay, segment: 0) == 7)
    #expect(
      snapshot.value(.waiting, .overlay, segment: 0) == 0 && snapshot.value(.framesIn, .overlay, segment: 0) == 10)
    #expect(snapshot.imbalance(.overlay) == 0)
  }

  @Test("names that this version does not know, and counts that do not add up, leave the identity as it is")
  func strangers() {
    let carried = counted {
      $0.overlay = ["framesIn": 1_000, "framesOut": 3, "a-later-reason": 5, "authentication": 9]
      $0.underlay = ["framesIn": .max, "framesOut": .max, "consumed": .max, "": 1]
    }
    var heir = engine()
    heir.carry(carried, segment: 0)
    #expect(heir.snapshot().value(.framesIn, .overlay, segment: 0) == 3)
    #expect(heir.snapshot().imbalance(.overlay) == 0)
  }

  @Test("what a peer sent and got, and the calls, go on")
  func peers() {
    var heir = engine()
    heir.carry(PeerTraffic(receivedByteCount: 5, sentByteCount: 6, lastReceive: 7), peer: 0)
    heir.carry(PeerTraffic(receivedByteCount: 1, sentByteCount: 1, lastReceive: 3), peer: 0)
    #expect(heir.snapshot().peers == [PeerTraffic(receivedByteCount: 6, sentByteCount: 7, lastReceive: 7)])
    var calls = BatchCounters()
    calls.sends = 9
    heir.carry(calls)
    #expect(heir.snapshot().batches == calls)
  }
}
