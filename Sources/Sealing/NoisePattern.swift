/// A handshake of the Noise framework as a list of tokens: what each message mixes in, and in which order.
/// - SeeAlso: Noise, revision 34, sections 7 and 9.
struct NoisePattern: Sendable {
  /// A step of one message. The first letter of a Diffie-Hellman token is the initiator's key.
  enum Token: Sendable {
    case e, s, ee, es, se, ss, psk
  }

  /// The whole protocol's name, which begins the transcript.
  let protocolName: String
  /// Whether the initiator knows the responder's static key beforehand, and the reverse.
  let initiatorKnowsResponder: Bool
  let responderKnowsInitiator: Bool
  /// The tokens of the messages, the first by the initiator, then in turns.
  let messages: [[Token]]

  /// Whether any message mixes a pre-shared key in: then ephemeral keys are mixed into the key as well.
  var usesPresharedKey: Bool { messages.contains { $0.contains(.psk) } }

  /// The only pattern of sealed segments: the initiator knows the responder's key, a pre-shared key ends the second
  /// message, and two messages are all.
  static let ikPSK2 = NoisePattern(
    protocolName: "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2b", initiatorKnowsResponder: true,
    responderKnowsInitiator: false, messages: [[.e, .es, .s, .ss], [.e, .ee, .se, .psk]])
}
