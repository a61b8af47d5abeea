import Dataplane
import TestKit
import VXLAN

@testable import Sealing

/// The three messages of a handshake and what they say under encryption: sound ones with the input laid over them
/// (exclusive or), to the functions that open them and to a responder that is waiting.
///
///     byte 0  bits 0...1 initiation, response, cookie, payloads; 2: with a right mac1; 3: the input instead
///     byte 1  bytes cut off the end        then  what is laid over the message; what is longer is put behind it
final class HandshakeTarget: FuzzTarget {
  static let name = "handshake"
  static let byteCountMax = 256
  /// Messages judged by one responder: it answers so many in a second.
  private static let executionCountMax = 500

  static var seeds: [[UInt8]] {
    var seeds: [[UInt8]] = []
    for kind: UInt8 in 0..<8 {
      seeds += [[kind, 0], [kind, 1], [kind, 0] + [UInt8](repeating: 0, count: 180)]
      for place in [0, 3, 8, 16, 47, 60, 100] { seeds.append([kind, 0] + [UInt8](repeating: 0, count: place) + [1]) }
    }
    return seeds
  }

  private let keys: [PrivateKey]
  private let initiator: InitiatorHandshake
  private let messages: [HandshakeMessage]
  private var agent: SealedAgent
  private var executionCount = 0

  init() {
    var entropy = SimulatedEntropy(seed: 11)
    keys = (0..<2).map { _ in PrivateKey(from: &entropy) }
    let payload = InitiationPayload(
      ciphers: CipherMask([.chacha20poly1305]), presharedKeyIDs: [], bootID: 7, counter: 9)
    guard
      let attempt = InitiatorHandshake(
        from: keys[0], to: keys[1].publicKey, ephemeralKey: PrivateKey(from: &entropy), index: 0xABCDE,
        payload: payload, cookie: nil),
      let opened = ResponderHandshake(opening: attempt.initiation, with: keys[1]),
      let answer = opened.respond(
        ephemeralKey: PrivateKey(from: &entropy), index: 0x12345, cipher: .chacha20poly1305, presharedKey: nil)
    else { preconditionFailure("two ends without weather agree") }
    let cookie = CookieReply.seal(
      Cookie(bytes: [UInt8](repeating: 3, count: 16)), answering: attempt.initiation, responder: keys[1].publicKey,
      nonce: [UInt8](repeating: 4, count: 24))
    messages = [attempt.initiation, answer.response, cookie]
    initiator = attempt
    agent = Self.agent(keys)
  }

  private static func agent(_ keys: [PrivateKey]) -> SealedAgent {
    let peers = [PeerPlan(endpoint: Endpoint(address: FuzzBench.peers[0], udpPort: 4789))]
    return SealedAgent(
      SealedAgent.Setup(
        segments: [], peers: peers, privateKey: keys[1], peerKeys: [keys[0].publicKey], cipher: .chacha20poly1305,
        seed: 3))
  }

  func run(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let options = input.byte()
    let cut = Int(input.byte())
    let mask = Array(input.rest)
    guard options & 3 < 3 else { return payloads(mask) }
    let sound = messages[Int(options & 3)]
    var message = options & 8 == 0 ? Self.laid(mask, over: sound.bytes) : mask
    message.removeLast(min(cut, message.count))
    if options & 4 != 0, message.count == sound.bytes.count, sound.kind != .cookie {
      message = HandshakeMAC(to: keys[sound.kind == .initiation ? 1 : 0].publicKey)
        .appended(to: Array(message.dropLast(32)), cookie: nil)
    }
    judge(message, sound)
    waiting(message, sound)
  }

  private static func laid(_ mask: [UInt8], over bytes: [UInt8]) -> [UInt8] {
    zip(bytes, mask).map { $0 ^ $1 } + bytes.dropFirst(mask.count) + mask.dropFirst(bytes.count)
  }

  /// Nothing but the sound message is opened, whatever its two MACs are.
  private func judge(_ bytes: [UInt8], _ sound: HandshakeMessage) {
    guard let message = HandshakeMessage(parsing: bytes.span) else { return }
    require(message.bytes == bytes, "a message that is not its bytes")
    let isSound = message.kind == sound.kind && bytes.dropLast(32) == sound.bytes.dropLast(32)
    let isOpened: Bool
    switch message.kind {
    case .initiation: isOpened = ResponderHandshake(opening: message, with: keys[1]) != nil
    case .response: isOpened = initiator.open(message, presharedKeys: []) != nil
    case .cookie:
      isOpened = initiator.openCookie(message, responder: keys[1].publicKey) != nil
      return require(!isOpened || bytes == messages[2].bytes, "a damaged cookie is taken")
    }
    require(!isOpened || isSound, "a damaged message of kind \(message.kind) is opened")
  }

  /// A responder never sends with a session that nobody has confirmed.
  private func waiting(_ bytes: [UInt8], _ sound: HandshakeMessage) {
    executionCount += 1
    if executionCount.isMultiple(of: Self.executionCountMax) { agent = Self.agent(keys) }
    agent.advance(to: agent.now + .milliseconds(25))
    agent.workers[0].sealedSockets.waiting.append(.init(bytes, from: FuzzBench.peers[0]))
    while agent.step() {}
    require(!agent.hasSession(toPeer: 0), "a session that nobody confirmed")
    let counters = agent.snapshot()
    require(counters.imbalance(.underlay) == 0, "\(counters.imbalance(.underlay)) messages unaccounted")
    for sent in agent.takeSent() {
      require(sent.bytes.count <= HandshakeMessage.byteCountMax, "an answer of \(sent.bytes.count) bytes")
    }
  }

  private func payloads(_ bytes: [UInt8]) {
    let (first, second) = (Array(bytes.prefix(32)), Array(bytes.prefix(8)))
    if let payload = InitiationPayload(parsing: first.span) {
      require(payload.bytes == first, "\(payload) is written otherwise")
    }
    if let payload = ResponsePayload(parsing: second.span) {
      require(payload.bytes == second, "\(payload) is written otherwise")
    }
    if let header = SealedHeader(parsing: bytes.span) {
      require(header.bytes == Array(bytes.prefix(16)), "\(header) is written otherwise")
    }
  }
}
