import Forwarding
import LinuxIO
import VXLAN

// ARP requests and neighbour solicitations that need not cross the underlay. On the worker's thread; other frames cost
// one comparison.
//
//   from a peer    what the message says is learned, and the frame goes on to the TAP
//   from the TAP   what it says ends bindings; what it asks is answered when it is known:
//     fresh          the frame is consumed, the answer, written into the TAP, is generated
//     no longer      the same, and the request goes to the station as a unicast one, generated
//     router or not  unknown: the request goes to the one peer, as often as the storm limit allows
//
// Design: "Neighbour suppression".

extension Engine {
  /// What suppression makes of a frame from the TAP.
  struct Suppression {
    /// The only peer that the frame, or the question that it becomes, goes to.
    var peer: Int?
    /// The frame was answered.
    var isAnswered = false
    /// The frame counts as a question to the station, if it leaves.
    var isQuestion = false
    /// The station to be asked after an answer.
    var station: MACAddress?
  }

  // HOT
  /// Takes what the frame says, and answers what it asks if it may.
  @inline(__always)
  mutating func suppression(
    of frame: borrowing Span<UInt8>, _ ethernet: EthernetHeader, segment: Int, now: Instant
  ) -> Suppression {
    guard topology.records[segment].suppressesNeighbors,
      NeighborMessage.mayBe(in: frame, etherType: ethernet.etherType)
    else { return Suppression() }
    return suppress(frame, segment: segment, now: now)
  }

  // HOT
  /// Learns from a frame of a peer, if it says anything.
  @inline(__always)
  func learnNeighbors(from frame: UnsafeMutablePointer<UInt8>, _ byteCount: Int, peer: Int, segment: Int, now: Instant)
  {
    guard topology.records[segment].suppressesNeighbors else { return }
    // SAFETY: the batch keeps the frame's bytes until it is filled again, and `judge` has found an Ethernet header.
    let bytes = Span<UInt8>(_unsafeStart: frame, count: byteCount)
    guard NeighborMessage.mayBe(in: bytes, etherType: bytes.bigEndian16(at: 12)) else { return }
    learn(bytes, peer: peer, segment: segment, now: now)
  }

  // COLD
  @inline(never)
  private func learn(_ frame: borrowing Span<UInt8>, peer: Int, segment: Int, now: Instant) {
    guard let message = NeighborMessage(inFrame: frame) else { return }
    topology.neighbors[segment].learn(message, from: .peer(peer), now: now.seconds)
  }

  // COLD
  @inline(never)
  private mutating func suppress(_ frame: borrowing Span<UInt8>, segment: Int, now: Instant) -> Suppression {
    guard let message = NeighborMessage(inFrame: frame) else { return Suppression() }
    let table = topology.neighbors[segment]
    let endsBinding = table.learn(message, from: .local, now: now.seconds)
    // A station that has come from a peer says so with this frame, if with any: others have to hear it.
    guard let question = message.question, !endsBinding,
      question.askerMAC.rawValue != lastComer.mac.rawValue || now.seconds &- lastComer.second > 1
    else { return Suppression() }
    let reply = table.reply(to: question.target, now: now.seconds) { [topology] mac in
      topology.tables[segment].remote(of: mac)?.peerSlot
    }
    switch reply {
    case .unknown: return Suppression()
    case .ask(let peer): return Suppression(peer: peer, isQuestion: true)
    case .answer(let mac, let isRouter, let peer, let asksStation):
      guard neighborAnswer.write(question, mac: mac, isRouter: isRouter, to: framePorts[segment], segment, peer) else {
        return Suppression()
      }
      counters.add(to: .generated, .underlay, segment: segment)
      rememberOwn(neighborAnswer.memory, byteCount: neighborAnswer.byteCount, segment: segment, now: now)
      return Suppression(peer: peer, isAnswered: true, station: asksStation ? mac : nil)
    }
  }

  // COLD
  /// The frame, a request that one peer is to get, leaves.
  @inline(never)
  func noteQuestion(in frame: borrowing Span<UInt8>, segment: Int, now: Instant) {
    guard let question = NeighborMessage(inFrame: frame)?.question else { return }
    topology.neighbors[segment].noteQuestion(about: question.target, now: now.seconds)
  }

  // COLD
  /// A frame was answered. It goes to `station` as the agent's own question, if that is to be asked.
  @inline(never)
  mutating func endAnswered(_ frame: FrameBatch.Frame, station: MACAddress?, _ key: OutgoingRuns.Key) {
    counters.add(to: .consumed, .overlay, segment: key.segment)
    guard let station else { return }
    // SAFETY: the batch keeps the frame's bytes until it is cleared, and its memory is ours to write.
    var bytes = MutableSpan<UInt8>(_unsafeStart: frame.start, count: frame.byteCount)
    bytes.setMACAddress(station, at: 0)
    var key = key
    key.isGenerated = true
    append(frame, key)
  }
}

/// The answer that is being written: its memory, and the list of one write that a port takes.
struct NeighborAnswer: ~Copyable {
  let memory: UnsafeMutablePointer<UInt8>
  /// Of the answer that was written last.
  private(set) var byteCount = 0
  private var frames = OutgoingFrames(capacity: 1)

  init() {
    // SAFETY: owned until `deinit`; every write is bounded by `NeighborDiscoveryMessage.frameByteCount`.
    memory = .allocate(capacity: NeighborDiscoveryMessage.frameByteCount)
    memory.initialize(repeating: 0, count: NeighborDiscoveryMessage.frameByteCount)
  }

  deinit {
    memory.deallocate()
  }

  /// Writes into a TAP that the target of `question` is at `mac`. Answers whether the TAP took it.
  mutating func write(
    _ question: NeighborMessage.Question, mac: MACAddress, isRouter: Bool, to port: any FramePort, _ segment: Int,
    _ peer: Int
  ) -> Bool {
    byteCount = fill(question, mac: mac, isRouter: isRouter)
    frames.clear()
    frames.append(start: memory, byteCount: byteCount, segment: segment, peer: peer)
    port.send(&frames, 0..<1)
    return frames[0].failure == 0
  }

  private func fill(_ question: NeighborMessage.Question, mac: MACAddress, isRouter: Bool) -> Int {
    var bytes = MutableSpan<UInt8>(_unsafeStart: memory, count: NeighborDiscoveryMessage.frameByteCount)
    switch question.target.family {
    case .ipv4:
      let reply = ARPMessage(
        .reply, senderMAC: mac, sender: question.target, targetMAC: question.askerMAC, target: question.asker)
      reply.write(to: question.askerMAC, in: &bytes)
      return ARPMessage.frameByteCount
    case .ipv6:
      var advertisement = NeighborDiscoveryMessage(
        .advertisement, from: question.target, to: question.asker, target: question.target, linkLayerAddress: mac)
      advertisement.isRouter = isRouter
      advertisement.isSolicited = true
      // RFC 4861, section 7.2.8: who answers for another does not override what the owner says itself.
      advertisement.overrides = false
      advertisement.write(to: question.askerMAC, from: mac, in: &bytes)
      return NeighborDiscoveryMessage.frameByteCount
    }
  }
}
