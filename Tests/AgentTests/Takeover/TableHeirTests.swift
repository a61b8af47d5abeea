import Dataplane
@testable import Forwarding
import LinuxIO
import Testing
import VXLAN

@testable import Agent

@Suite("tables that another agent has left")
struct TableHeirTests {
  private let now = Instant(nanoseconds: Clock.now()).seconds

  private func peer(_ name: String, _ address: String, vnis: [UInt32]? = nil) throws -> Configuration.Peer {
    var peer = Configuration.Peer(name: name, address: try #require(IPAddress(address)))
    peer.segments = vnis?.compactMap { VNI($0) }
    return peer
  }

  /// Segments 42, 43, which is sealed, and 44, which does not learn; peer b has all, c segment 42 only.
  private func configuration() throws -> Configuration {
    var segments = [UInt32(42), 43, 44].map { Configuration.Segment(vni: VNI(unchecked: $0), tap: "vx\($0)") }
    segments[1].sealed = true
    segments[2].learning = false
    return Configuration(
      local: .init(address: try #require(IPAddress("192.0.2.1"))), segments: segments,
      peers: [try peer("b", "192.0.2.2"), try peer("c", "192.0.2.3", vnis: [42])])
  }

  private func topology(_ configuration: Configuration) -> Topology {
    let segments = configuration.segments.map { segment in
      var plan = SegmentPlan(vni: segment.vni, overlayMTU: 1450, ownMAC: MACAddress(rawValue: 0x0200_0000_00FF))
      plan.learns = segment.learning
      plan.peers = configuration.peers.indices.filter { configuration.peers[$0].hasSegment(segment.vni) }
      if segment.sealed {
        plan.isSealed = true
        plan.overhead = Overhead(family: .ipv4, sealingTag: .bytes16)
      }
      return plan
    }
    return Topology(
      segments: segments, peers: configuration.peers.map { PeerPlan(endpoint: $0.endpoint) },
      hash: KeyedHash(key0: 1, key1: 2), now: Instant(nanoseconds: 0))
  }

  /// Left by an agent with peers d, c, b and c at another address; segment 43 was sealed there as `isSealed` says.
  private func state(isSealed: Bool = true) -> CarriedState {
    var state = CarriedState()
    state.segments = [(42, false), (43, isSealed), (44, false)].map {
      .init(
        vni: $0, tap: "vx\($0)", isSealed: $1, addresses: [], bridge: nil, ownsBridge: false,
        history: FDBHistory(refusedCount: 1, moveCount: 2, freezeCount: 3, agedCount: 4))
    }
    state.peers = [("d", "192.0.2.4"), ("c", "192.0.2.3"), ("b", "192.0.2.2"), ("c", "192.0.2.9")].map {
      .init(name: $0, address: $1, publicKey: nil, pathMTU: 1500)
    }
    return state
  }

  private func entry(
    _ mac: UInt64 = 0x0200_0000_0001, vni: UInt32 = 42, peer: Int? = 2, origin: FDBOrigin = .learned, age: UInt32 = 100
  ) -> CarriedEntry {
    CarriedEntry(vni: vni, mac: MACAddress(rawValue: mac), peer: peer, origin: origin, stamp: now &- age)
  }

  private func put(
    _ entry: CarriedEntry, isSealed: Bool = true
  ) throws -> (entry: FDBEntry?, takenCount: Int, leftCount: Int) {
    let configuration = try configuration()
    let topology = topology(configuration)
    var heir = TableHeir(configuration, topology, of: state(isSealed: isSealed))
    heir.take(entry)
    let slot = topology.segments.firstIndex { $0.vni.rawValue == entry.vni }
    let found = slot.flatMap { topology.withFDB(ofSegment: $0) { $0.entry(of: entry.mac) } }
    return (found, heir.takenCount, heir.leftCount)
  }

  @Test("an entry keeps its age and points to the peer of the same name, whatever its slot")
  func kept() throws {
    let learned = try put(entry())
    #expect(learned.entry?.remote == .peer(0) && learned.entry?.stamp == now &- 100 && learned.takenCount == 1)
    #expect(try put(entry(peer: 1)).entry?.remote == .peer(1))
    let local = try put(entry(peer: nil))
    #expect(local.entry?.remote == .local && local.entry?.origin == .learned)
    let command = try put(entry(origin: .command))
    #expect(command.entry?.origin == .command && command.entry?.state == .static)
    #expect(try put(entry(vni: 44, origin: .command)).entry?.state == .static)
    #expect(try put(entry(vni: 43)).entry != nil)
  }

  @Test("a stamp of the future is taken as of now, so that the entry ages")
  func future() throws {
    let stamp = try #require(try put(entry(age: UInt32(bitPattern: -1_000))).entry?.stamp)
    #expect(Int32(bitPattern: stamp &- now) <= 2)
  }

  @Test("what would not hold here is left: gone peers and segments, flipped sealing, addresses that nobody has")
  func left() throws {
    let cases: [(CarriedEntry, Bool)] = [
      (entry(vni: 99), true), (entry(peer: 0), true), (entry(peer: 3), true), (entry(peer: 4), true),
      (entry(vni: 43, peer: 1), true), (entry(vni: 43), false), (entry(vni: 44), true), (entry(0), true),
      (entry(0x0100_0000_0001), true), (entry(0x0200_0000_00FF), true), (entry(origin: .configuration), true),
    ]
    for (entry, isSealed) in cases {
      let result = try put(entry, isSealed: isSealed)
      #expect(result.entry == nil && result.leftCount == 1 && result.takenCount == 0, "\(entry)")
    }
  }

  @Test("what is configured stays, and limits hold")
  func limits() throws {
    let configuration = try configuration()
    let topology = topology(configuration)
    let mac = MACAddress(rawValue: 0x0200_0000_0001)
    topology.withFDB(ofSegment: 0) { _ = $0.set(mac, at: .peer(1), by: .configuration, now: now) }
    var heir = TableHeir(configuration, topology, of: state())
    heir.take(entry())
    heir.take(entry(origin: .command))
    #expect(heir.leftCount == 2)
    #expect(topology.withFDB(ofSegment: 0) { $0.entry(of: mac) }?.remote == .peer(1))
    heir.takeHistories()
    #expect(topology.withFDB(ofSegment: 0) { $0.history() }.moveCount == 2)
    for number in 0..<70_000 { heir.take(entry(0x0200_0100_0000 | UInt64(number))) }
    #expect(heir.takenCount == 65_536 && heir.leftCount == 70_000 - 65_536 + 2)
  }
}
