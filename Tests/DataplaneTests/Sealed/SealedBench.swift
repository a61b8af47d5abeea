import Dataplane
import Forwarding
import LinuxIO
import Sealing
import TestKit
import Testing
import VXLAN

/// Two engines with one session between them, each the only peer of the other, and nobody who would renew it.
///
/// Segments of both, by slot: 42 sealed, 43 sealed and, at the far end, without peers, 44 plain.
final class SealedBench {
  static let vnis: [UInt32] = [42, 43, 44]
  static let here = MACAddress.station(1)
  static let there = MACAddress.station(2)

  /// One side: an engine and what it shares with the thread of the sessions.
  final class End {
    let engine: EngineBench
    let keyring: Keyring
    let inbox: SealedInbox
    let waiting: WaitingBudget

    init(segments: [SegmentPlan], peers: [PeerPlan], publicKey: PublicKey, mergeable: MergeableTraffic) {
      let inbox = SealedInbox {}
      let waiting = WaitingBudget(peerCount: peers.count)
      var keyrings: [Keyring] = []
      engine = EngineBench(segments: segments, peers: peers, mergeable: mergeable) { topology, port in
        keyrings.append(Keyring(peerCount: peers.count, gracePeriod: topology.gracePeriod))
        return SealedSide(
          port: port, keyring: keyrings[0], inbox: inbox, mac: HandshakeMAC(to: publicKey), waiting: waiting, lane: 0)
      }
      keyring = keyrings[0]
      self.inbox = inbox
      self.waiting = waiting
    }
  }

  let pair: SessionPair
  let cipher: Cipher
  let near: End
  let far: End

  static var ciphers: [Cipher] { Cipher.allCases.filter(\.isAvailable) }

  init(
    cipher: Cipher = .chacha20poly1305, hasSession: Bool = true, peerCount: Int = 1,
    mergeable: MergeableTraffic = MergeableTraffic(mergesTCP: false, mergesUDP: false),
    _ change: (inout SegmentPlan) -> Void = { _ in }
  ) {
    self.cipher = cipher
    pair = SessionPair(cipher: cipher)
    let peers = (0..<peerCount).map { peer in
      PeerPlan(endpoint: Endpoint(address: Self.address(peer), udpPort: 4789))
    }
    let segments = Self.vnis.map { vni in
      var plan = Self.segment(vni, cipher: cipher, peerCount: peerCount)
      change(&plan)
      return plan
    }
    near = End(segments: segments, peers: peers, publicKey: pair.publicKeys[0], mergeable: mergeable)
    var farSegments = segments
    farSegments[1].peers = []
    far = End(segments: farSegments, peers: peers, publicKey: pair.publicKeys[1], mergeable: mergeable)
    for end in [near, far] {
      for peer in 0..<peerCount {
        end.keyring.move(peer: peer, to: Endpoint(address: Self.address(peer), udpPort: 4790))
      }
    }
    if hasSession { startSession() }
  }

  private static func segment(_ vni: UInt32, cipher: Cipher, peerCount: Int) -> SegmentPlan {
    var plan = SealedNetwork.segment(vni, ownMAC: .station(0x77), peers: peerCount, cipher: cipher)
    if vni == 44 {
      plan.isSealed = false
      plan.overhead = Overhead(family: .ipv4)
    }
    return plan
  }

  static func address(_ peer: Int) -> IPAddress { IPAddress(ipv4: 0xC000_0202 + UInt32(peer)) }

  var end: Instant { near.engine.now + .seconds(180) }

  /// Gives the keys to both sides.
  func startSession() {
    for (number, end) in [near, far].enumerated() {
      end.keyring.accept(pair.keys[number].opening, fromPeer: 0, until: self.end)
      end.keyring.seal(with: pair.keys[number].sealing, until: self.end, toPeer: 0)
    }
  }

  func advance(by duration: Duration) {
    near.engine.now = near.engine.now + duration
    far.engine.now = far.engine.now + duration
  }

  /// Lets the near engine take frames. Answers the datagrams of the sealed port; the plain one must have none.
  func seal(
    _ frames: [[UInt8]], segment: Int = 0, offload: VirtioNetHeader = VirtioNetHeader(),
    _ location: SourceLocation = #_sourceLocation
  ) -> [FakeDatagramPort.Sent] {
    near.engine.taps[segment].offload = offload
    let plain = near.engine.fromTAP(frames, segment: segment)
    #expect(plain.isEmpty, "in clear", sourceLocation: location)
    return takeSealed()
  }

  func takeSealed() -> [FakeDatagramPort.Sent] {
    defer { near.engine.sealedSockets.sent.removeAll(keepingCapacity: true) }
    return near.engine.sealedSockets.sent
  }

  /// Lets the far engine take datagrams from its sealed port. Answers what came out of the first TAP.
  func open(_ datagrams: [[UInt8]], from source: IPAddress = SealedBench.address(0)) -> [[UInt8]] {
    let written = far.engine.fromSealedPort(datagrams.map { .init($0, from: source) })
    defer { for tap in far.engine.taps { tap.written.removeAll(keepingCapacity: true) } }
    return written[0]
  }

  func farDrops(_ reason: DropReason) -> UInt64 { far.engine.drops(reason) }

  func expectBalance(_ location: SourceLocation = #_sourceLocation) {
    for end in [near, far] {
      for direction in Direction.allCases {
        #expect(end.engine.snapshot().imbalance(direction) == 0, sourceLocation: location)
      }
    }
  }

  /// A frame from here to there of `byteCount` bytes, which begins its payload with `number`.
  static func frame(_ number: Int, byteCount: Int = 110, to destination: MACAddress = there) -> [UInt8] {
    Frames.ethernet(
      to: destination, from: here,
      payload: withUnsafeBytes(of: number.bigEndian) { Array($0) } + [UInt8](repeating: 0xA5, count: byteCount - 22))
  }

  static func frames(_ count: Int) -> [[UInt8]] { (0..<count).map { frame($0) } }

  /// The far station speaks once, so that frames to it go one way.
  func learnThere() {
    let answer = Frames.ethernet(to: Self.here, from: Self.there, payload: [UInt8](repeating: 0, count: 46))
    _ = far.engine.fromTAP([answer])
    let datagrams = far.engine.sealedSockets.sent.map(\.payload)
    far.engine.sealedSockets.sent.removeAll()
    let written = near.engine.fromSealedPort(datagrams.map { .init($0, from: Self.address(0)) })
    #expect(written[0] == [answer])
    near.engine.taps[0].written.removeAll()
  }
}
