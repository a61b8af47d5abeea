import Testing
import VXLAN

@testable import Sealing

@Suite("Handshake payloads, control messages, cookies")
struct MessageLayoutTests {
  @Test("an initiation's payload is 32 bytes")
  func initiation() throws {
    let payload = InitiationPayload(
      ciphers: CipherMask([.aes256gcm, .chacha20poly1305]), presharedKeyIDs: [0x0A0B_0C0D, 0x1A1B_1C1D],
      bootID: 0x0102_0304_0506_0708, counter: 0x1112_1314_1516_1718)
    let text = "000300000a0b0c0d1a1b1c1d0102030405060708111213141516171800000000"
    #expect(Hex.text(payload.bytes) == text && InitiationPayload(payload.bytes) == payload)
    var alone = payload
    alone.presharedKeyIDs = [1]
    #expect(InitiationPayload(alone.bytes)?.presharedKeyIDs == [1])
    alone.presharedKeyIDs = []
    #expect(InitiationPayload(alone.bytes)?.presharedKeyIDs == [])
  }

  @Test("reserved bytes, a second id without a first, and other lengths are refused")
  func refusedInitiation() {
    let bytes = InitiationPayload(ciphers: [], presharedKeyIDs: [1], bootID: 0, counter: 0).bytes
    #expect(InitiationPayload(bytes) != nil)
    for offset in [2, 3, 28, 29, 30, 31] {
      var changed = bytes
      changed[offset] = 1
      #expect(InitiationPayload(changed) == nil)
    }
    var second = bytes
    second.swapAt(7, 11)
    #expect(InitiationPayload(second) == nil)
    #expect(InitiationPayload(bytes + [0]) == nil && InitiationPayload(Array(bytes.dropLast())) == nil)
  }

  @Test("a response's payload is 8 bytes with one cipher and an index of 20 bits")
  func response() {
    let payload = ResponsePayload(cipher: .chacha20poly1305, index: 0xABCDE)
    #expect(Hex.text(payload.bytes) == "00020000000abcde" && ResponsePayload(payload.bytes) == payload)
    for text in [
      "00000000000abcde", "00030000000abcde", "00080000000abcde", "00020001000abcde", "0002000000100000",
      "000200000000",
    ] {
      #expect(ResponsePayload(Hex.bytes(text)) == nil, "\(text)")
    }
    #expect(ResponsePayload(Hex.bytes("00020000000fffff")) != nil)
  }

  @Test("control messages have 16 bytes, and a probe is padded to the size it names")
  func control() {
    #expect(ControlMessage.keepalive.bytes(tagByteCount: 16) == [UInt8](repeating: 0, count: 16))
    let probe = ControlMessage.probe(udpPayloadByteCount: 1472, token: 0x0102_0304_0506_0708)
    let bytes = probe.bytes(tagByteCount: 16)
    #expect(bytes.count + SealedHeader.byteCount + 16 == 1472)
    #expect(probe.bytes(tagByteCount: 32).count + SealedHeader.byteCount + 32 == 1472)
    #expect(Hex.text(bytes.prefix(17)) == "01000000000005c0010203040506070800" && ControlMessage(bytes) == probe)
    let answer = ControlMessage.probeAnswer(udpPayloadByteCount: 1472, token: 1)
    #expect(Hex.text(answer.bytes(tagByteCount: 16)) == "02000000000005c00000000000000001")
    #expect(ControlMessage(answer.bytes(tagByteCount: 16)) == answer)
    #expect(ControlMessage(ControlMessage.keepalive.bytes(tagByteCount: 16)) == .keepalive)
  }

  @Test("unknown types and malformed control messages are none")
  func refusedControl() {
    let zero = [UInt8](repeating: 0, count: 16)
    #expect(ControlMessage(Array(zero.dropLast())) == nil && ControlMessage(zero + [0]) == nil)
    for type: UInt8 in 3...255 { #expect(ControlMessage([type] + zero.dropFirst()) == nil) }
    for offset in 1...3 {
      var changed = zero
      changed[offset] = 1
      #expect(ControlMessage(changed) == nil)
    }
    #expect(
      ControlMessage([1] + zero.dropFirst() + [0, 0]) != nil && ControlMessage([1] + zero.dropFirst() + [1]) == nil)
    #expect(ControlMessage([2] + zero.dropFirst() + [0]) == nil)
  }

  @Test("a cookie reaches the initiator and makes the mac2 of its next initiation")
  func cookie() throws {
    let pair = HandshakePair()
    let secret = CookieSecret(from: &pair.entropy)
    let source = Endpoint(address: IPAddress(ipv4: 0xC000_0202), udpPort: 4790)
    let cookie = secret.cookie(for: source)
    let first = try pair.initiate()
    let reply = CookieReply.seal(
      cookie, answering: first.initiation, responder: pair.responderKey.publicKey, nonce: Array(0..<24))
    #expect(reply.bytes.count == 72 && Hex.text(reply.bytes.prefix(16)) == "0d0000ff000000000abcde0000000003")
    let opened = first.openCookie(reply, responder: pair.responderKey.publicKey)
    #expect(opened == cookie)
    #expect(!HandshakeMAC.isSecondValid(first.initiation, cookie: cookie), "zero is not the mac2 of anything")
    let second = try pair.initiate(cookie: opened)
    #expect(HandshakeMAC.isSecondValid(second.initiation, cookie: cookie))
    #expect(HandshakeMAC(to: pair.responderKey.publicKey).isFirstValid(second.initiation))
    let other = secret.cookie(for: Endpoint(address: source.address, udpPort: 4791))
    #expect(!HandshakeMAC.isSecondValid(second.initiation, cookie: other), "another port, another cookie")
    #expect(second.openCookie(reply, responder: pair.responderKey.publicKey) == nil, "it answers the first")
  }

  @Test("a cookie depends on the whole address, and IPv4 is mapped")
  func cookieSource() throws {
    var entropy = SeededEntropy(seed: 1)
    let secret = CookieSecret(from: &entropy)
    let texts = ["192.0.2.2", "192.0.2.3", "::ffff:192.0.2.2", "2001:db8::2", "2001:db8::3"]
    let cookies = try texts.map {
      secret.cookie(for: Endpoint(address: try #require(IPAddress($0)), udpPort: 4790))
    }
    #expect(cookies[0] == cookies[2], "the same host however the socket names it")
    #expect(Set(cookies.map { Hex.text($0.bytes) }).count == 4)
    let other = CookieSecret(from: &entropy)
    #expect(other.cookie(for: Endpoint(address: IPAddress(ipv4: 0xC000_0202), udpPort: 4790)) != cookies[0])
  }
}

extension ControlMessage {
  /// The 16 bytes without padding.
  var fields: [UInt8] {
    switch self {
    case .keepalive: [UInt8](repeating: 0, count: 16)
    case .probe(let size, let token): [1, 0, 0, 0] + size.bigEndianBytes + token.bigEndianBytes
    case .probeAnswer(let size, let token): [2, 0, 0, 0] + size.bigEndianBytes + token.bigEndianBytes
    }
  }
}
