import CAllocationCount
import Dataplane
import Forwarding
import LinuxIO
import Sealing
import TestKit
import VXLAN

/// An engine of one segment and eight peers on the simulation's ports, and how often it allocated.
final class CountingBench {
  static let peerCount = 8
  static let here = MACAddress.station(1)
  static let there = MACAddress.station(2)

  let tap = CountedFramePort()
  let sockets = CountedDatagramPort()
  /// The sealed port, and the keys of both sides.
  let sealedSockets = CountedDatagramPort()
  let pair = SessionPair()
  private var engine: Engine
  private var now = Instant(nanoseconds: 1_000_000_000_000)
  /// Allocations of the engine: those of the ports are taken off.
  private(set) var allocationCount: UInt64 = 0

  /// - Parameter isSealed: all peers have one session here.
  init(isSealed: Bool = false) {
    var segment = SegmentPlan(vni: VNI(unchecked: 42), overlayMTU: 1450, ownMAC: .station(0x77))
    if isSealed {
      segment.isSealed = true
      segment.overhead = Overhead(family: .ipv4, sealingTag: .bytes16)
    }
    segment.peers = Array(0..<Self.peerCount)
    let peers = (0..<Self.peerCount).map { PeerPlan(endpoint: Endpoint(address: Self.address($0), udpPort: 4789)) }
    tap.port.mergeable = MergeableTraffic(mergesTCP: true, mergesUDP: true)
    let topology = Topology(segments: [segment], peers: peers, hash: KeyedHash(key0: 1, key1: 2), now: now)
    let keyring = Keyring(peerCount: Self.peerCount, gracePeriod: topology.gracePeriod)
    let end = now + .seconds(1_000_000)
    for (slot, peer) in peers.enumerated() {
      keyring.move(peer: slot, to: peer.endpoint)
      keyring.seal(with: pair.keys[0].sealing, until: end, toPeer: slot)
    }
    keyring.accept(pair.keys[0].opening, fromPeer: 0, until: end)
    engine = Engine(
      topology: topology, framePorts: [tap], datagramPort: sockets, sourcePortCount: 64,
      flowKey: KeyedHash(key0: 3, key1: 4),
      sealed: SealedSide(
        port: sealedSockets, keyring: keyring, inbox: SealedInbox {}, mac: HandshakeMAC(to: pair.publicKeys[0]),
        waiting: WaitingBudget(peerCount: Self.peerCount), lane: 0))
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

  /// The same for a sealed segment. Answers what left.
  func seal(_ frames: [[UInt8]], _ offload: VirtioNetHeader = VirtioNetHeader()) -> Int {
    tap.port.offload = offload
    tap.port.waiting = frames
    while count({ engine.stepOverlay(segment: 0, now: now).count }) > 0 {}
    defer { sealedSockets.port.sent.removeAll(keepingCapacity: true) }
    return sealedSockets.port.sent.count
  }

  /// Lets the engine take frames of one length that the first peer seals now, as one buffer of the kernel. Answers how
  /// many frames came out of the TAP.
  func open(_ frames: [[UInt8]]) -> Int {
    let sealer = pair.keys[1].sealing.sealer(lane: 0)
    let datagramByteCount = frames[0].count + sealer.overheadByteCount
    var buffer = FakeDatagramPort.Received(
      [UInt8](repeating: 0, count: frames.count * datagramByteCount), from: Self.address(0))
    buffer.datagramByteCount = datagramByteCount
    buffer.payload.withUnsafeMutableBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      for (number, frame) in frames.enumerated() {
        _ = sealer.seal(
          frame, byteCount: frame.count, prefix: SealedHeader.prefix(kind: .frame, vni: VNI(unchecked: 42)),
          into: start + number * datagramByteCount)
      }
    }
    sealedSockets.port.waiting = [buffer]
    while count({ engine.stepSealed(now: now).count }) > 0 {}
    defer { tap.port.written.removeAll(keepingCapacity: true) }
    return tap.port.written.count
  }

  private func count(_ step: () -> Int) -> Int {
    let portsBefore = portsCount
    let before = allocation_count()
    let result = step()
    let all = allocation_count() - before
    allocationCount += all - (portsCount - portsBefore)
    return result
  }

  private var portsCount: UInt64 {
    tap.allocationCount + sockets.allocationCount + sealedSockets.allocationCount
  }
}
