import CAllocationCount
import Dataplane
import Forwarding
import LinuxIO
import TestKit
import VXLAN

/// An engine of one segment and eight peers on the simulation's ports, and how often it allocated.
final class CountingBench {
  static let peerCount = 8
  static let here = MACAddress.station(1)
  static let there = MACAddress.station(2)

  let tap = CountedFramePort()
  let sockets = CountedDatagramPort()
  private var engine: Engine
  private var now = Instant(nanoseconds: 1_000_000_000_000)
  /// Allocations of the engine: those of the ports are taken off.
  private(set) var allocationCount: UInt64 = 0

  init() {
    var segment = SegmentPlan(vni: VNI(unchecked: 42), overlayMTU: 1450, ownMAC: .station(0x77))
    segment.peers = Array(0..<Self.peerCount)
    let peers = (0..<Self.peerCount).map { PeerPlan(endpoint: Endpoint(address: Self.address($0), udpPort: 4789)) }
    tap.port.mergeable = MergeableTraffic(mergesTCP: true, mergesUDP: true)
    engine = Engine(
      topology: Topology(segments: [segment], peers: peers, hash: KeyedHash(key0: 1, key1: 2), now: now),
      framePorts: [tap], datagramPort: sockets, sourcePortCount: 64, flowKey: KeyedHash(key0: 3, key1: 4))
  }

  static func address(_ peer: Int) -> IPAddress { IPAddress(ipv4: 0xC000_0202 + UInt32(peer)) }

  func snapshot() -> CounterSnapshot { engine.snapshot() }

  /// Moves the clock, so that entries of the table are stamped anew.
  func advance(by duration: Duration) { now = now + duration }

  /// Lets the engine take frames from its TAP, all with the same offload header. Answers how many datagrams left.
  func encapsulate(_ frames: [[UInt8]], _ offload: VirtioNetHeader = VirtioNetHeader()) -> Int {
    tap.port.offload = offload
    tap.port.waiting = frames
    while count({ engine.stepOverlay(segment: 0, now: now).count }) > 0 {}
    defer { sockets.port.sent.removeAll(keepingCapacity: true) }
    return sockets.port.sent.count
  }

  /// Lets the engine take buffers from the underlay. Answers how many frames came out of the TAP.
  func decapsulate(_ buffers: [FakeDatagramPort.Received]) -> Int {
    sockets.port.waiting = buffers
    while count({ engine.stepUnderlay(now: now).count }) > 0 {}
    defer { tap.port.written.removeAll(keepingCapacity: true) }
    return tap.port.written.count
  }

  private func count(_ step: () -> Int) -> Int {
    let portsBefore = tap.allocationCount + sockets.allocationCount
    let before = allocation_count()
    let result = step()
    let all = allocation_count() - before
    allocationCount += all - (tap.allocationCount + sockets.allocationCount - portsBefore)
    return result
  }
}
