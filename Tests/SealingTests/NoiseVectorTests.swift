import Testing

@testable import Sealing

@Suite("Noise, vectors of other implementations", .enabled(if: NoiseVector.isWanted, NoiseVector.comment))
struct NoiseVectorTests {
  /// The patterns of the vectors that share our cipher, hash and curve.
  private static let patterns: [String: NoisePattern] = [
    "IK": pattern("IK", initiatorKnows: true, [[.e, .es, .s, .ss], [.e, .ee, .se]]),
    "IKpsk2": .ikPSK2,
    "KKpsk0": pattern("KKpsk0", initiatorKnows: true, responderKnows: true, [[.psk, .e, .es, .ss], [.e, .ee, .se]]),
    "KKpsk2": pattern("KKpsk2", initiatorKnows: true, responderKnows: true, [[.e, .es, .ss], [.e, .ee, .se, .psk]]),
    "NNpsk0": pattern("NNpsk0", [[.psk, .e], [.e, .ee]]),
    "NNpsk2": pattern("NNpsk2", [[.e], [.e, .ee, .psk]]),
    "XXpsk3": pattern("XXpsk3", [[.e], [.e, .ee, .s, .es], [.s, .se, .psk]]),
  ]

  private static func pattern(
    _ name: String, initiatorKnows: Bool = false, responderKnows: Bool = false, _ messages: [[NoisePattern.Token]]
  ) -> NoisePattern {
    NoisePattern(
      protocolName: "Noise_\(name)_25519_ChaChaPoly_BLAKE2b", initiatorKnowsResponder: initiatorKnows,
      responderKnowsInitiator: responderKnows, messages: messages)
  }

  @Test("every pattern with ChaChaPoly and BLAKE2b is in the file", arguments: Array(patterns.keys).sorted())
  func coverage(name: String) throws {
    #expect(try NoiseVector.all().contains { $0.protocolName == "Noise_\(name)_25519_ChaChaPoly_BLAKE2b" })
  }

  @Test("both sides write and read the published bytes", arguments: Array(patterns.keys).sorted())
  func published(name: String) throws {
    let pattern = try #require(Self.patterns[name])
    let vector = try #require(try NoiseVector.all().first { $0.protocolName == pattern.protocolName })
    var initiator = NoiseHandshake(
      pattern, as: .initiator, prologue: Hex.bytes(vector.initPrologue),
      keys: try keys(vector.initStatic, vector.initEphemeral, vector.initRemoteStatic, vector.initPsks))
    var responder = NoiseHandshake(
      pattern, as: .responder, prologue: Hex.bytes(vector.respPrologue),
      keys: try keys(vector.respStatic, vector.respEphemeral, vector.respRemoteStatic, vector.respPsks))
    for (index, message) in vector.messages.prefix(pattern.messages.count).enumerated() {
      let payload = Hex.bytes(message.payload)
      let isInitiators = index.isMultiple(of: 2)
      let written = isInitiators ? initiator.write(payload: payload) : responder.write(payload: payload)
      #expect(written.map(Hex.text) == message.ciphertext)
      let bytes = Hex.bytes(message.ciphertext)[...]
      #expect((isInitiators ? responder.read(bytes) : initiator.read(bytes)) == payload)
    }
    #expect(initiator.isFinished && responder.isFinished)
    #expect(Hex.text(initiator.hash) == vector.handshakeHash && Hex.text(responder.hash) == vector.handshakeHash)
    let ours = initiator.split()
    let theirs = responder.split()
    #expect(SecretBytes.areEqual(ours.0, theirs.0) && SecretBytes.areEqual(ours.1, theirs.1))
    try checkTransport(vector, first: pattern.messages.count, ours.0, ours.1)
  }

  /// The messages after the handshake show that the split gives the published keys, in the published order.
  private func checkTransport(_ vector: NoiseVector, first: Int, _ toResponder: SecretBytes, _ toInitiator: SecretBytes)
    throws
  {
    var initiators = NoiseCipherState()
    initiators.setKey(UnsafeRawBufferPointer(toResponder.bytes))
    var responders = NoiseCipherState()
    responders.setKey(UnsafeRawBufferPointer(toInitiator.bytes))
    for (index, message) in vector.messages.enumerated().dropFirst(first) {
      let payload = Hex.bytes(message.payload)
      let sealed =
        index.isMultiple(of: 2)
        ? initiators.encrypt(payload, additional: []) : responders.encrypt(payload, additional: [])
      #expect(Hex.text(sealed) == message.ciphertext)
    }
    #expect(vector.messages.count > first)
  }

  private func keys(_ own: String?, _ ephemeral: String, _ remote: String?, _ psks: [String]?) throws
    -> NoiseHandshake.Keys
  {
    NoiseHandshake.Keys(
      staticKey: own.map { PrivateKey(secret($0)) }, ephemeralKey: PrivateKey(secret(ephemeral)),
      remoteStatic: try remote.map { try #require(PublicKey(Hex.bytes($0))) },
      presharedKey: try psks?.first.map { try #require(PresharedKey(secret($0))) })
  }

  private func secret(_ hex: String) -> SecretBytes { Hex.bytes(hex).withUnsafeBytes { SecretBytes(copying: $0) } }
}
