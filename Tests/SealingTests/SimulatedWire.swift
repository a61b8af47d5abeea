import TestKit
import Testing
import VXLAN

@testable import Sealing

/// Two ends and the network between them, which loses, doubles, delays and repeats as the seed says.
final class SimulatedWire {
  /// In percent of datagrams, but for the delay.
  struct Faults {
    var loss = 0
    var duplication = 0
    var replay = 0
    var delay = Duration.milliseconds(5)..<Duration.milliseconds(6)
  }

  var faults = Faults()
  private(set) var now = Instant(nanoseconds: 1_000_000_000)
  private(set) var ends: [SimulatedEnd] = []
  private(set) var addresses: [Endpoint]
  private(set) var generator: SeededGenerator
  let presharedKeys: [PresharedKey]
  private let keys: [PrivateKey]
  private let configured: [Endpoint]
  private var underWay: [(at: Instant, order: Int, bytes: [UInt8], from: Endpoint, to: Endpoint)] = []
  private var order = 0
  private var recorded: [(bytes: [UInt8], from: Endpoint, to: Endpoint)] = []
  /// Datagrams that are not carried.
  var isCut: (_ bytes: [UInt8], _ from: Int) -> Bool = { _, _ in false }
  /// Every datagram that was sent, by its sender.
  private(set) var sent: [(at: Instant, from: Int, bytes: [UInt8])] = []
  private(set) var endsOfThePast: [SimulatedEnd] = []
  /// How often the ends look at their counters when nothing else wakes them.
  var wakeInterval = Duration.milliseconds(250)
  /// Whether every datagram is kept in `sent`.
  var keepsSent = true

  init(seed: UInt64, presharedKeys: [PresharedKey] = []) {
    var entropy = SeededEntropy(seed: seed)
    keys = [PrivateKey(from: &entropy), PrivateKey(from: &entropy)]
    generator = SeededGenerator(seed: seed &+ 1)
    self.presharedKeys = presharedKeys
    configured = [1, 2].map { Endpoint(address: IPAddress(ipv4: 0xC000_0200 + $0), udpPort: 4790) }
    addresses = configured
    for side in 0..<2 { ends.append(makeEnd(side)) }
  }

  private func makeEnd(_ side: Int) -> SimulatedEnd {
    SimulatedEnd(
      key: keys[side], peer: keys[1 - side].publicKey, at: configured[1 - side], seed: generator.next(),
      presharedKeys: presharedKeys, now: now)
  }

  /// A wire on which the lower key is told nothing, so it proves nothing; the higher one initiates into the void.
  static func mutingHigher() -> SimulatedWire {
    let wire = SimulatedWire(seed: 1)
    let higher = 1 - wire.lower
    wire.isCut = { _, side in side == higher }
    return wire
  }

  /// The side with the lower public key.
  var lower: Int { keys[0].publicKey < keys[1].publicKey ? 0 : 1 }
  func peerKey(of side: Int) -> PublicKey { keys[1 - side].publicKey }
  func current(_ side: Int) -> Session? { ends[side].table.current(peerKey(of: side)) }

  /// Ends a process and starts another with the same key and configuration.
  func restart(_ side: Int) {
    endsOfThePast.append(ends[side])
    ends[side] = makeEnd(side)
  }

  /// Gives a side another address, which its peer does not know.
  func move(_ side: Int, toOtherAddress: Bool = false) {
    if toOtherAddress {
      addresses[side].address = IPAddress(ipv4: 0xC633_6400 + UInt32.random(in: 1...254, using: &generator))
    }
    addresses[side].udpPort = UInt16.random(in: 10_000..<60_000, using: &generator)
  }

  /// Puts a datagram on the wire, as anyone can.
  func inject(_ bytes: [UInt8], from source: Endpoint, to destination: Endpoint) {
    carry(bytes, from: source, to: destination)
  }

  /// Lets `duration` pass. Ends are woken when they have something to do, and every `wakeInterval`.
  func run(for duration: Duration) {
    let end = now + duration
    pump()
    while now < end {
      let wakes = ends.compactMap(\.table.nextDeadline) + [now + wakeInterval]
      let next = ([end] + wakes + underWay.prefix(1).map(\.at)).min() ?? end
      now = max(next, now + .microseconds(1))
      deliver()
      for side in 0..<2 { ends[side].advance(to: now) }
      pump()
    }
  }

  /// Takes what ends have sent.
  func pump() {
    for side in 0..<2 {
      for (bytes, destination) in ends[side].takeOutgoing() {
        if keepsSent { sent.append((now, side, bytes)) }
        if isCut(bytes, side) { continue }
        carry(bytes, from: addresses[side], to: destination)
      }
    }
  }

  private func isHit(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }

  private func carry(_ bytes: [UInt8], from source: Endpoint, to destination: Endpoint) {
    if faults.replay > 0, recorded.count < 400 { recorded.append((bytes, source, destination)) }
    if !isHit(faults.loss) { schedule(bytes, from: source, to: destination) }
    if isHit(faults.duplication) { schedule(bytes, from: source, to: destination) }
    if isHit(faults.replay), let old = recorded.randomElement(using: &generator) {
      // From where it came, or from an attacker's own address.
      let attacker = Endpoint(address: IPAddress(ipv4: 0xC633_6401), udpPort: 9)
      schedule(old.bytes, from: generator.isOne(in: 3) ? attacker : old.from, to: old.to)
    }
  }

  private func schedule(_ bytes: [UInt8], from source: Endpoint, to destination: Endpoint) {
    let delays = faults.delay.lowerBound.nanosecondCount..<faults.delay.upperBound.nanosecondCount
    let at = now + .nanoseconds(Int64(UInt64.random(in: delays, using: &generator)))
    order += 1
    let index = underWay.lastIndex { $0.at <= at }.map { $0 + 1 } ?? 0
    underWay.insert((at, order, bytes, source, destination), at: index)
  }

  private func deliver() {
    while let first = underWay.first, first.at <= now {
      underWay.removeFirst()
      guard let side = addresses.firstIndex(of: first.to) else { continue }
      ends[side].receive(first.bytes, from: first.from, now: now)
      pump()
    }
  }
}
