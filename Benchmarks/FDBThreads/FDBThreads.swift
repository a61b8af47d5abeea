import Forwarding
import Foundation
import Synchronization
import VXLAN

/// What several threads do to one forwarding table at once, for the thread sanitizer: the part `threads` of
/// scripts/test, a million frames learned from. Not 0 when the sums are wrong; the sanitizer says what else is.
@main
enum FDBThreads {
  private static let readerCount = 3
  private static let limit = 1500
  private static let stationCount: UInt64 = 2048
  /// Stations from here on are away all the time, and nobody but a flush has their moves forgotten.
  private static let restlessBase: UInt64 = 1984

  /// A table that threads share, with its readers.
  private final class Shared: @unchecked Sendable {
    let gracePeriod = GracePeriod(readerCount: readerCount)
    let peerLimits = FDBPeerLimits(slotCount: 4)
    // SAFETY: a table says itself what several threads may do with it.
    let table: FDB
    let workingCount = Atomic<Int>(readerCount)
    let endedCount = Atomic<Int>(0)

    init() {
      for (peer, limit) in [0, 300, 100, 1].enumerated() { peerLimits.set(limit, ofPeer: peer) }
      table = FDB(
        limit: limit, peerLimits: peerLimits, hash: KeyedHash(key0: 1, key1: 2), gracePeriod: gracePeriod)
    }
  }

  static func main() {
    let seed = ProcessInfo.processInfo.environment["VTEP_SEED"].flatMap { UInt64($0) } ?? .random(in: 1...UInt64.max)
    let stepCount = ProcessInfo.processInfo.environment["VTEP_STEPS"].flatMap { Int($0) } ?? 6000
    print("FDB threads: VTEP_SEED=\(seed)")
    let shared = Shared()
    for reader in 0..<readerCount {
      start { work(shared, reader: reader, seed: seed &+ UInt64(reader), stepCount: stepCount) }
    }
    for other in 0..<2 { start { change(shared, seed: seed &+ 100 &+ UInt64(other)) } }
    while shared.endedCount.load(ordering: .acquiring) < readerCount + 2 { usleep(1000) }
    let entries = shared.table.entries()
    let dynamicCount = entries.count { $0.state == .dynamic }
    let history = shared.table.history()
    print(
      "\(readerCount * stepCount * 64) frames learned from, \(history.moveCount) moves,",
      "\(history.freezeCount) freezes, \(history.agedCount) aged, \(entries.count) entries at the end")
    guard shared.table.entryCount() == entries.count, dynamicCount <= limit, history.moveCount > 0,
      history.freezeCount > 0, history.agedCount > 0
    else {
      print("FAILED: the sums are not right")
      exit(1)
    }
    print("ok: the sums are right")
  }

  private static func start(_ body: @escaping @Sendable () -> Void) {
    Thread { body() }.start()
  }

  /// A worker: learns and looks up, and passes a batch boundary after each 64 frames.
  private static func work(_ shared: Shared, reader: Int, seed: UInt64, stepCount: Int) {
    var random = Numbers(state: seed)
    shared.gracePeriod.enter(reader: reader)
    for step in 0..<stepCount {
      for _ in 0..<64 {
        let bits = random.next()
        let station = bits % stationCount
        let isAway = bits >> 20 & 31 == 0 || station >= restlessBase
        let remote: Remote = .peer(isAway ? Int(bits >> 30 & 3) : Int(station & 1))
        _ = shared.table.learn(mac(station), from: remote, now: UInt32(step / 8))
        _ = shared.table.remote(of: mac(bits >> 40 % stationCount))
      }
      shared.gracePeriod.pass(reader: reader)
    }
    shared.gracePeriod.leave(reader: reader)
    shared.workingCount.subtract(1, ordering: .releasing)
    shared.endedCount.add(1, ordering: .releasing)
  }

  /// Everybody else: people, control planes, ageing, a peer that is lost.
  private static func change(_ shared: Shared, seed: UInt64) {
    var random = Numbers(state: seed)
    while shared.workingCount.load(ordering: .acquiring) > 0 {
      let bits = random.next()
      let address = mac(bits % restlessBase)
      switch bits >> 16 & 0x3F {
      case 0 where bits >> 40 & 15 == 0: _ = shared.table.age(now: UInt32(bits >> 30 & 127), ageingTime: .seconds(20))
      case 1 where bits >> 40 & 63 == 0: _ = shared.table.flush()
      case 2 where bits >> 40 & 63 == 0: _ = shared.table.removeAll(at: .peer(Int(bits >> 50 & 3)))
      case 3..<8: shared.table.set(address, at: .peer(Int(bits >> 50 & 3)), by: .control, now: 1)
      case 8..<12: shared.table.set(address, at: .peer(Int(bits >> 50 & 3)), by: .configuration, now: 1)
      case 12: _ = shared.table.entries()
      case 13..<20: shared.table.remove(address)
      case 20: shared.table.setLimit(limit - Int(bits >> 50 & 255))
      case 21: shared.peerLimits.set(Int(bits >> 50 & 255) + 1, ofPeer: 1)
      default: _ = shared.table.entry(of: address)
      }
    }
    shared.endedCount.add(1, ordering: .releasing)
  }

  private static func mac(_ station: UInt64) -> MACAddress { MACAddress(rawValue: 0x0200_0000_0000 | station) }

  /// splitmix64.
  private struct Numbers {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
      return z ^ z >> 31
    }
  }
}
