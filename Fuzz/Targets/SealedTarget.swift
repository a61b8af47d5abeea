import Dataplane
import Sealing
import TestKit
import VXLAN

/// The sealed port of one of two agents that have a session, and what is behind authentication.
///
///     byte 0  0: the rest is a datagram      1: the rest is laid over a sound sealed frame (exclusive or)
///             2: the rest is the plaintext of a control message, behind 8 bytes of lane, index and counter
///             3: the rest is an inner frame, which the other agent seals
final class SealedTarget: FuzzTarget {
  static let name = "sealed"
  static let byteCountMax = 512
  /// Executions on one network; sessions end after 180 s, and each execution takes 2 ms.
  private static let executionCountMax = 5_000
  private static let segment = 0

  static var seeds: [[UInt8]] {
    let word = SealedHeader.Word(lane: 15, index: 1, counter: 7)
    let headers = SealedHeader.Kind.allCases.map { SealedHeader(kind: $0, vni: VNI(unchecked: 0), word: word).bytes }
    let controls: [ControlMessage] = [
      .keepalive, .probe(udpPayloadByteCount: 100, token: 5), .probeAnswer(udpPayloadByteCount: 100, token: 5),
    ]
    return headers.map { [0] + $0 + [UInt8](repeating: 9, count: 64) }
      + [[1], [1, 0, 0, 0, 0, 1], [1] + [UInt8](repeating: 0, count: 20) + [1]]
      + controls.map { [2] + [UInt8](repeating: 0, count: 8) + $0.bytes(tagByteCount: 16) }
      + FuzzFrames.samples.map { [3] + $0 }
  }

  private var network = make()
  private var executionCount = 0

  private static func make() -> SealedNetwork {
    let network = SealedNetwork(agentCount: 2, cipher: .chacha20poly1305, seed: 7)
    network.run(for: .seconds(2))
    require(network.isUp, "two agents without weather agree")
    return network
  }

  func run(_ bytes: [UInt8]) {
    executionCount += 1
    if executionCount.isMultiple(of: Self.executionCountMax) { network = Self.make() }
    let (target, other) = (network.agents[0], network.agents[1])
    for agent in network.agents {
      for worker in agent.workers { for tap in worker.taps { tap.written.removeAll(keepingCapacity: true) } }
    }
    let rest = Array(bytes.dropFirst())
    switch bytes.first ?? 0 {
    case 1: damaged(rest, target, other)
    case 2: control(rest, target)
    case 3: network.agents[1].workers[0].taps[Self.segment].waiting.append(rest)
    default: receive(rest, target)
    }
    for _ in 0..<2 { network.step() }
    for agent in network.agents {
      let counters = agent.snapshot()
      for direction in Direction.allCases {
        require(counters.imbalance(direction) == 0, "\(direction): \(counters.imbalance(direction)) frames unaccounted")
      }
    }
    if bytes.first ?? 0 != 3 {
      for tap in target.workers[0].taps { require(tap.written.isEmpty, "delivered \(tap.written)") }
    }
    require(network.repeatedNonceCount == 0, "a nonce twice")
  }

  private func receive(_ bytes: [UInt8], _ target: SealedAgent) {
    target.workers[0].sealedSockets.waiting.append(
      .init(bytes, from: SealedNetwork.endpoint(ofAgent: 1).address))
  }

  /// A sound frame arrives, and a copy that differs: the first is delivered, the second is not.
  private func damaged(_ mask: [UInt8], _ target: SealedAgent, _ other: SealedAgent) {
    let frame = Frames.ethernet(to: .broadcast, from: .station(5), payload: [UInt8](repeating: 3, count: 64))
    other.workers[0].taps[Self.segment].waiting.append(frame)
    while other.step() {}
    for sent in other.takeSent() where sent.bytes.count > frame.count {
      var bytes = sent.bytes
      for (index, octet) in mask.enumerated() where index < bytes.count { bytes[index] ^= octet }
      let isSame = bytes == sent.bytes
      receive(bytes, target)
      while target.step() {}
      let written = target.workers[0].taps[Self.segment].written
      require(isSame || written.isEmpty, "a damaged frame was delivered")
      target.workers[0].taps[Self.segment].written.removeAll(keepingCapacity: true)
    }
  }

  /// What its peer could say once it has the keys: the table is told without a datagram.
  private func control(_ bytes: [UInt8], _ target: SealedAgent) {
    var input = FuzzInput(bytes)
    let word = (0..<8).reduce(UInt64(0)) { word, _ in word << 8 | UInt64(input.byte()) }
    let plaintext = Array(input.rest)
    if let message = ControlMessage(parsing: plaintext.span), plaintext.count == ControlMessage.byteCountMin {
      let size = plaintext[4..<8].reduce(0) { $0 << 8 | Int($1) }
      // A probe is padded to the size that it names.
      if plaintext[0] != 1 || (48...4_096).contains(size) {
        require(message.bytes(tagByteCount: 16).prefix(16) == plaintext[...], "\(message) is written otherwise")
      }
    }
    target.table.receive(
      control: plaintext.span, SealedHeader.Word(rawValue: word), from: SealedNetwork.endpoint(ofAgent: 1),
      now: target.now)
  }
}
