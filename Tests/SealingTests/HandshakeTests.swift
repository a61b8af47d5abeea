import TestKit
import Testing
import VXLAN

@testable import Sealing

@Suite("Handshake")
struct HandshakeTests {
  private func presharedKey(_ byte: UInt8) throws -> PresharedKey {
    let secret = SecretBytes(byteCount: 32)
    secret.bytes[0] = byte
    return try #require(PresharedKey(secret))
  }

  /// Whether what the first seals, the second opens.
  private func agree(_ sealing: SealingKey, _ opening: OpeningKey) -> Bool {
    let datagram = SealedDatagram(frame: Array(0..<60))
    return datagram.seal(with: sealing.sealer(lane: 3)) && datagram.open(with: opening.opener) == .opened
      && datagram.frame == Array(0..<60)
  }

  private func opens(_ initiation: HandshakeMessage, _ key: PrivateKey) -> Bool {
    if ResponderHandshake(opening: initiation, with: key) != nil { true } else { false }
  }

  @Test("both sides get the same keys, one for each direction", arguments: CipherTests.available)
  func keys(_ cipher: Cipher) throws {
    let pair = HandshakePair(ciphers: CipherMask(Cipher.allCases))
    let outcome = try #require(try pair.run(cipher: cipher))
    #expect(outcome.cipher == cipher)
    #expect(agree(outcome.initiator.sealing, outcome.responder.opening))
    #expect(agree(outcome.responder.sealing, outcome.initiator.opening))
    #expect(!agree(outcome.initiator.sealing, outcome.initiator.opening), "a reflected frame does not open")
    #expect(outcome.initiator.sealing.index == 0x12345 && outcome.responder.sealing.index == 0xABCDE)
    #expect(outcome.initiator.opening.index == 0xABCDE && outcome.responder.opening.index == 0x12345)
  }

  @Test("messages have the sizes and headers of the wire")
  func sizes() throws {
    let pair = HandshakePair()
    let initiator = try pair.initiate()
    let response = try #require(pair.respond(to: initiator.initiation)).response
    #expect(initiator.initiation.bytes.count == 176 && response.bytes.count == 104)
    #expect(Hex.text(initiator.initiation.bytes.prefix(16)) == "0d0000ff000000000abcde0000000001")
    #expect(Hex.text(response.bytes.prefix(16)) == "0d0000ff000000000abcde0000000002")
    #expect(initiator.initiation.bytes.suffix(16).allSatisfy { $0 == 0 }, "no cookie, no mac2")
    #expect(HandshakeMAC(to: pair.responderKey.publicKey).isFirstValid(initiator.initiation))
    #expect(HandshakeMAC(to: pair.initiatorKey.publicKey).isFirstValid(response))
    #expect(!HandshakeMAC(to: pair.initiatorKey.publicKey).isFirstValid(initiator.initiation))
  }

  @Test("pre-shared keys: who has one needs a common one, the responder's preference decides")
  func presharedKeys() throws {
    let (a, b, c) = (try presharedKey(1), try presharedKey(2), try presharedKey(3))
    let cases: [(initiator: [PresharedKey], responder: [PresharedKey], works: Bool)] = [
      ([], [], true), ([a], [a], true), ([a], [], false), ([], [a], false), ([a], [b], false), ([a, b], [b], true),
      ([b], [a, b], true), ([a, b], [b, a], true), ([a, b], [c, b], true), ([a, b], [c], false),
    ]
    for (index, sample) in cases.enumerated() {
      let pair = HandshakePair()
      pair.initiatorPresharedKeys = sample.initiator
      pair.responderPresharedKeys = sample.responder
      let outcome = try pair.run()
      #expect((outcome != nil) == sample.works, "case \(index)")
      if let outcome { #expect(agree(outcome.initiator.sealing, outcome.responder.opening)) }
    }
  }

  @Test("a pre-shared key with the right name and another content proves nothing")
  func wrongPresharedKey() throws {
    let pair = HandshakePair()
    pair.initiatorPresharedKeys = [try presharedKey(1)]
    pair.responderPresharedKeys = pair.initiatorPresharedKeys
    let initiator = try pair.initiate()
    let answer = try #require(pair.respond(to: initiator.initiation))
    let (response, other) = (answer.response, try presharedKey(2))
    let opened = [[other], [], pair.initiatorPresharedKeys].map {
      HandshakePair.opens(response, initiator, presharedKeys: $0)
    }
    #expect(opened == [false, false, true], "and spoils nothing")
  }

  @Test("a cipher that was not offered is refused by the initiator")
  func unofferedCipher() throws {
    let offering = HandshakePair(ciphers: CipherMask([.aes256gcm]))
    let initiator = try offering.initiate()
    var noise = NoiseHandshake(
      .ikPSK2, as: .responder, prologue: InitiatorHandshake.prologueLabel + initiator.initiation.header,
      keys: .init(staticKey: offering.responderKey, ephemeralKey: PrivateKey(from: &offering.entropy)))
    let received = noise.read(initiator.initiation.noise)
    #expect(received != nil)
    let payload = ResponsePayload(cipher: .chacha20poly1305, index: 1).bytes
    let written = noise.write(payload: payload)
    let body = try #require(written)
    let bytes = HandshakeMAC(to: offering.initiatorKey.publicKey).appended(
      to: HandshakeMessage.header(.response, index: initiator.index) + body, cookie: nil)
    let response = try #require(HandshakeMessage(bytes))
    let isOpened = HandshakePair.opens(response, initiator)
    #expect(!isOpened)
  }

  @Test("an initiation for another responder, or with another header, does not open")
  func wrongReceiver() throws {
    let pair = HandshakePair()
    let initiator = try pair.initiate()
    #expect(!opens(initiator.initiation, pair.initiatorKey))
    var bytes = initiator.initiation.bytes
    bytes[10] ^= 1
    let moved = try #require(HandshakeMessage(bytes))
    #expect(moved.index != initiator.initiation.index)
    #expect(!opens(moved, pair.responderKey), "the index is in the prologue")
    #expect(opens(initiator.initiation, pair.responderKey))
  }

  @Test("an answer to another attempt does not open")
  func otherAttempt() throws {
    let pair = HandshakePair()
    let first = try pair.initiate()
    let second = try pair.initiate()
    let answer = try #require(pair.respond(to: first.initiation))
    let opened = [HandshakePair.opens(answer.response, first), HandshakePair.opens(answer.response, second)]
    #expect(opened == [true, false])
  }

  @Test("an ephemeral key of low order is refused, though whoever sends it knows what would be agreed on")
  func lowOrderEphemeral() throws {
    // An initiator whose ephemeral key is the point of order one: everybody knows that the agreement is on zero.
    let pair = HandshakePair()
    let point = [UInt8](repeating: 0, count: 32)
    let header = HandshakeMessage.header(.initiation, index: 1)
    var symmetric = NoiseSymmetricState(protocolName: NoisePattern.ikPSK2.protocolName)
    symmetric.mixHash(InitiatorHandshake.prologueLabel + header)
    symmetric.mixHash(pair.responderKey.publicKey.bytes)
    symmetric.mixHash(point)
    point.withUnsafeBytes { symmetric.mixKey($0) }
    point.withUnsafeBytes { symmetric.mixKey($0) }
    let identity = symmetric.encryptAndHash(pair.initiatorKey.publicKey.bytes)
    let shared = SecretBytes(byteCount: 32)
    #expect(pair.initiatorKey.agree(with: pair.responderKey.publicKey, into: shared.bytes))
    symmetric.mixKey(UnsafeRawBufferPointer(shared.bytes))
    let body = point + identity + symmetric.encryptAndHash(pair.payload.bytes)
    let bytes = HandshakeMAC(to: pair.responderKey.publicKey).appended(to: header + body, cookie: nil)
    #expect(!opens(try #require(HandshakeMessage(bytes)), pair.responderKey))
  }
}
