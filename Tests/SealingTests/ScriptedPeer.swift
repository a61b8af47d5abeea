import Testing
import VXLAN

@testable import Sealing

/// A peer that says what a test wants it to say, to a session table that has it as its only peer.
final class ScriptedPeer {
  /// An initiation of the peer's and, once it was answered, the peer's keys.
  final class Attempt {
    fileprivate let handshake: InitiatorHandshake
    fileprivate(set) var keys: (sealing: SealingKey, opening: OpeningKey)?

    var bytes: [UInt8] { handshake.initiation.bytes }
    /// How the table names the session.
    var index: UInt32? { keys?.sealing.index }

    fileprivate init(_ handshake: consuming InitiatorHandshake) { self.handshake = handshake }
  }

  let configured = Endpoint(address: IPAddress(ipv4: 0xC000_0202), udpPort: 4790)
  let elsewhere = Endpoint(address: IPAddress(ipv4: 0xC633_6407), udpPort: 4790)
  let key: PrivateKey
  let local: LocalEnd
  let table: SessionTable
  var now = Instant(nanoseconds: 1_000_000_000)
  /// What the table accepts, and where it said what.
  private(set) var opening: [UInt32: OpeningKey] = [:]
  private(set) var sent: [(bytes: [UInt8], to: Endpoint)] = []
  private var entropy: SeededEntropy
  private var index: UInt32 = 1

  /// - Parameter isTableLower: whether the table's public key is the lower one, which wins ties.
  init(seed: UInt64 = 1, isTableLower: Bool = false) throws {
    entropy = SeededEntropy(seed: seed)
    let keys = [PrivateKey(from: &entropy), PrivateKey(from: &entropy)].sorted { $0.publicKey < $1.publicKey }
    key = keys[isTableLower ? 1 : 0]
    local = try LocalEnd(
      privateKey: keys[isTableLower ? 0 : 1], presharedKeys: [], choice: .automatic,
      available: CipherMask([.chacha20poly1305]), entropy: SeededEntropy(seed: seed &+ 1))
    table = SessionTable(local, now: now)
    table.add(key.publicKey, at: configured, now: now)
  }

  var current: Session? { table.current(key.publicKey) }
  /// What the table has sent of a kind.
  func sent(_ kind: HandshakeMessage.Kind) -> [HandshakeMessage] {
    sent.compactMap { HandshakeMessage($0.bytes) }.filter { $0.kind == kind }
  }
  /// Where its sealed control messages went.
  var controlDestinations: [Endpoint] { sent.filter { SealedHeader($0.bytes)?.kind == .control }.map(\.to) }

  func forgetSent() { sent = [] }

  func wait(_ duration: Duration) { now = now + duration }

  func advance() {
    table.advance(to: now)
    perform()
  }

  func initiate(bootID: UInt64 = 1, counter: UInt64, cookie: Cookie? = nil) throws -> Attempt {
    index += 1
    let payload = InitiationPayload(
      ciphers: CipherMask([.chacha20poly1305]), presharedKeyIDs: [], bootID: bootID, counter: counter)
    guard
      let handshake = InitiatorHandshake(
        from: key, to: table.localPublicKey, ephemeralKey: PrivateKey(from: &entropy), index: index, payload: payload,
        cookie: cookie)
    else { throw HandshakePair.NoInitiation() }
    return Attempt(handshake)
  }

  @discardableResult
  func deliver(_ bytes: [UInt8], from source: Endpoint? = nil, isUnderLoad: Bool = false) -> SessionTable.Verdict {
    let verdict = table.receive(bytes.span, from: source ?? configured, isUnderLoad: isUnderLoad, now: now)
    perform()
    return verdict
  }

  /// Delivers an initiation and takes the response. False where there is none.
  @discardableResult
  func run(_ attempt: Attempt, from source: Endpoint? = nil) -> Bool {
    let count = sent(.response).count
    deliver(attempt.bytes, from: source)
    guard let response = sent(.response).dropFirst(count).last,
      let result = attempt.handshake.open(response, presharedKeys: [])
    else { return false }
    attempt.keys = result.keys(index: attempt.handshake.index)
    return true
  }

  /// The cookie that the table gave for `attempt`.
  func cookie(for attempt: Attempt) -> Cookie? {
    sent(.cookie).last.flatMap { attempt.handshake.openCookie($0, responder: table.localPublicKey) }
  }

  /// Answers the last initiation of the table. The peer's keys, or nil where there is nothing to answer.
  func respond(to initiation: HandshakeMessage) -> (response: [UInt8], keys: (SealingKey, OpeningKey))? {
    index += 1
    guard let handshake = ResponderHandshake(opening: initiation, with: key),
      let answer = handshake.respond(
        ephemeralKey: PrivateKey(from: &entropy), index: index, cipher: .chacha20poly1305, presharedKey: nil)
    else { return nil }
    let response = answer.response.bytes
    return (response, answer.keys())
  }

  /// A worker of the table's opens a frame of the session, and the control thread hears nothing of it.
  func sendFrame(_ attempt: Attempt) -> Bool {
    guard let sealing = attempt.keys?.sealing, let key = opening[sealing.index] else { return false }
    let datagram = SealedDatagram(frame: [1, 2, 3])
    return datagram.seal(with: sealing.sealer(lane: 0)) && datagram.open(with: key.opener) == .opened
  }

  /// The peer says something on a session. False where no worker opens it any more.
  @discardableResult
  func say(_ message: ControlMessage, _ sealing: SealingKey?, from source: Endpoint? = nil) -> Bool {
    guard let sealing, let key = opening[sealing.index] else { return false }
    let datagram = SealedDatagram(frame: message.bytes(tagByteCount: 16))
    guard datagram.seal(with: sealing.sealer(lane: 15), kind: .control, vni: 0),
      datagram.open(with: key.opener) == .opened, let word = datagram.header?.word
    else { return false }
    table.receive(control: datagram.frame.span, word, from: source ?? configured, now: now)
    perform()
    return true
  }

  @discardableResult
  func confirm(_ attempt: Attempt, from source: Endpoint? = nil) -> Bool {
    say(.keepalive, attempt.keys?.sealing, from: source)
  }

  /// The messages that the table sealed for the peer to `destination`, opened with `key`.
  func heard(_ key: OpeningKey, at destination: Endpoint) -> [ControlMessage] {
    sent.filter { $0.to == destination && SealedHeader($0.bytes)?.word.index == key.index }.compactMap {
      let datagram = SealedDatagram(bytes: $0.bytes)
      return datagram.open(with: key.opener) == .opened ? ControlMessage(datagram.frame) : nil
    }
  }

  /// What `attempt`'s table asks elsewhere, after the peer has spoken up from there: the question's answer.
  func question(to attempt: Attempt) throws -> ControlMessage {
    let keys = try #require(attempt.keys)
    guard case .probe(let size, let token)? = heard(keys.opening, at: elsewhere).last else {
      throw HandshakePair.NoInitiation()
    }
    return .probeAnswer(udpPayloadByteCount: size, token: token)
  }

  /// The peer has a session, and proves that it is elsewhere.
  @discardableResult
  func moveElsewhere() throws -> Attempt {
    let attempt = try initiate(counter: 1)
    try #require(run(attempt) && confirm(attempt) && confirm(attempt, from: elsewhere))
    say(try question(to: attempt), attempt.keys?.sealing, from: elsewhere)
    try #require(table.endpoint(key.publicKey) == elsewhere)
    return attempt
  }

  private func perform() {
    for action in table.takeActions() {
      switch action {
      case .send(let bytes, let destination): sent.append((bytes, destination))
      case .receive(let key, _): opening[key.index] = key
      case .retire(let index): opening[index] = nil
      case .log, .seal, .move, .setPathMTU: break
      }
    }
  }
}
