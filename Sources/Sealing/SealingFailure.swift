/// Why an agent cannot begin to seal.
package enum SealingFailure: Error, Equatable, CustomStringConvertible {
  /// None of the ciphers that the configuration allows is there and works.
  case noCipher(CipherChoice)
  /// More pre-shared keys than an initiation has room to name.
  case tooManyPresharedKeys(Int)

  package var description: String {
    switch self {
    case .noCipher(.automatic): "no cipher works on this host"
    case .noCipher(.named(let cipher)): "the cipher \(cipher) is not available on this host"
    case .tooManyPresharedKeys(let count):
      "\(count) pre-shared keys, where at most \(InitiationPayload.presharedKeyCountMax) may be"
    }
  }
}
