import Testing
import VXLAN

@testable import Sealing

/// Everything that the vector in docs/sealing-format.md holds, computed from its fixed inputs.
struct FormatVector {
  /// Names and bytes in the order of the page.
  private(set) var fields: [(name: String, bytes: [UInt8])] = []

  private let initiatorKey = PrivateKey(Self.secret(0x10))
  private let responderKey = PrivateKey(Self.secret(0x20))
  private let initiatorEphemeral = PrivateKey(Self.secret(0x30))
  private let responderEphemeral = PrivateKey(Self.secret(0x40))
  private let presharedKey: PresharedKey
  private let payload: InitiationPayload
  private let initiatorIndex: UInt32 = 0xABCDE
  private let responderIndex: UInt32 = 0x12345
  private let cipher = Cipher.chacha20poly1305

  init() throws {
    presharedKey = try #require(PresharedKey(Self.secret(0x50)))
    payload = InitiationPayload(
      ciphers: CipherMask([.aes256gcm, .chacha20poly1305]), presharedKeyIDs: [presharedKey.id],
      bootID: 0x0102_0304_0506_0708, counter: 9)
    addInputs()
    try addHandshake()
    try addCookie()
  }

  /// The vector as the page has it: a name, a colon, bytes, 32 a line.
  var text: String {
    fields.map { name, bytes in
      let lines = stride(from: 0, to: bytes.count, by: 32).map { Hex.text(bytes[$0..<min($0 + 32, bytes.count)]) }
      return lines.count == 1 ? "\(name): \(lines[0])" : "\(name):\n  " + lines.joined(separator: "\n  ")
    }
    .joined(separator: "\n")
  }

  private static func secretBytes(_ first: UInt8) -> [UInt8] { (0..<32).map { first &+ $0 } }

  private static func secret(_ first: UInt8) -> SecretBytes {
    secretBytes(first).withUnsafeBytes { SecretBytes(copying: $0) }
  }

  private mutating func add(_ name: String, _ bytes: some Sequence<UInt8>) { fields.append((name, Array(bytes))) }

  private mutating func addInputs() {
    add("initiator private key", Self.secretBytes(0x10))
    add("initiator public key", initiatorKey.publicKey.bytes)
    add("responder private key", Self.secretBytes(0x20))
    add("responder public key", responderKey.publicKey.bytes)
    add("initiator ephemeral private key", Self.secretBytes(0x30))
    add("responder ephemeral private key", Self.secretBytes(0x40))
    add("pre-shared key", Self.secretBytes(0x50))
    add("pre-shared key id", presharedKey.id.bigEndianBytes)
    add("initiation payload", payload.bytes)
    add("response payload", ResponsePayload(cipher: cipher, index: responderIndex).bytes)
  }

  private mutating func addHandshake() throws {
    guard
      let initiator = InitiatorHandshake(
        from: initiatorKey, to: responderKey.publicKey, ephemeralKey: initiatorEphemeral, index: initiatorIndex,
        payload: payload, cookie: nil),
      let responder = ResponderHandshake(opening: initiator.initiation, with: responderKey),
      let answer = responder.respond(
        ephemeralKey: responderEphemeral, index: responderIndex, cipher: cipher, presharedKey: presharedKey),
      let result = initiator.open(answer.response, presharedKeys: [presharedKey])
    else { throw HandshakePair.NoInitiation() }
    add("initiation", initiator.initiation.bytes)
    add("response", answer.response.bytes)
    let (first, second) = (result.secrets.toResponder, result.secrets.toInitiator)
    add("T1", first.bytes)
    add("T2", second.bytes)
    for cipher in Cipher.allCases {
      for (name, secret) in [("T1", first), ("T2", second)] {
        let key = PreparedKey.derive(cipher, from: secret)
        add("\(cipher) key from \(name)", key.bytes.prefix(cipher.keyByteCount))
      }
    }
    for cipher in [Cipher.aes256gcm, .chacha20poly1305] {
      try addDatagrams(cipher, (toResponder: first, toInitiator: second))
    }
  }

  /// On one lane counters go up; a key's first datagrams are with 0 and 1.
  private mutating func addDatagrams(_ cipher: Cipher, _ secrets: (toResponder: SecretBytes, toInitiator: SecretBytes))
    throws
  {
    let initiators = SessionSecrets(toResponder: secrets.toResponder, toInitiator: secrets.toInitiator).keys(
      initiator: true, cipher: cipher, sendIndex: responderIndex, receiveIndex: initiatorIndex
    ).sealing
    let responders = SessionSecrets(toResponder: secrets.toResponder, toInitiator: secrets.toInitiator).keys(
      initiator: false, cipher: cipher, sendIndex: initiatorIndex, receiveIndex: responderIndex
    ).sealing
    let frame = (0..<60).map { UInt8($0) }
    let probe = ControlMessage.probe(udpPayloadByteCount: 100, token: 0x1122_3344_5566_7788)
    let answer = ControlMessage.probeAnswer(udpPayloadByteCount: 100, token: 0x1122_3344_5566_7788)
    let confirm = ControlMessage.keepalive.bytes(tagByteCount: cipher.tagByteCount)
    try add("\(cipher) confirm", confirm, initiators, lane: 15, .control, vni: 0)
    try add("\(cipher) probe", probe.bytes(tagByteCount: cipher.tagByteCount), initiators, lane: 15, .control, vni: 0)
    try add("\(cipher) probe answer", answer.bytes(tagByteCount: 0), responders, lane: 15, .control, vni: 0)
    _ = SealedDatagram(frame: [0]).seal(with: initiators.sealer(lane: 1))
    try add("\(cipher) frame", frame, initiators, lane: 1, .frame, vni: 0x01_0203)
  }

  private mutating func add(
    _ name: String, _ plaintext: [UInt8], _ key: SealingKey, lane: UInt8, _ kind: SealedHeader.Kind, vni: UInt32
  ) throws {
    let datagram = SealedDatagram(frame: plaintext)
    try #require(datagram.seal(with: key.sealer(lane: lane), kind: kind, vni: vni))
    add(name, datagram.bytes)
  }

  private mutating func addCookie() throws {
    var entropy = FixedEntropy(first: 0x60)
    let secret = CookieSecret(from: &entropy)
    let source = Endpoint(address: IPAddress(ipv4: 0xC000_0201), udpPort: 4790)
    let cookie = secret.cookie(for: source)
    let initiation = try #require(fields.first { $0.name == "initiation" }).bytes
    let nonce = (0..<24).map { UInt8(0x70 + $0) }
    let reply = CookieReply.seal(
      cookie, answering: try #require(HandshakeMessage(initiation)), responder: responderKey.publicKey, nonce: nonce)
    add("cookie secret", Self.secretBytes(0x60))
    add("cookie source address", [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 192, 0, 2, 1])
    add("cookie source port", source.udpPort.bigEndianBytes)
    add("cookie", cookie.bytes)
    add("cookie reply", reply.bytes)
    let withCookie = HandshakeMAC(to: responderKey.publicKey).appended(
      to: Array(initiation.dropLast(2 * HandshakeMAC.byteCount)), cookie: cookie)
    add("mac2 of the initiation with the cookie", withCookie.suffix(HandshakeMAC.byteCount))
  }

  /// The bytes `first`, `first` + 1, and so on.
  private struct FixedEntropy: Entropy {
    let first: UInt8

    mutating func fill(_ bytes: UnsafeMutableRawBufferPointer) {
      for index in bytes.indices { bytes[index] = first &+ UInt8(truncatingIfNeeded: index) }
    }
  }
}
