/// How far back nonces and duplicates were remembered.
package struct VerifyWindow: Equatable, Encodable, Sendable {
  package let nonces: Int
  package let nonceSeconds: Int
  package let datagrams: Int
  package let duplicateMilliseconds: Int
  /// Nonces that had to be forgotten to make room for others.
  package let forgottenNonces: Int

  private enum CodingKeys: String, CodingKey {
    case nonces, datagrams
    case nonceSeconds = "nonce-seconds"
    case duplicateMilliseconds = "duplicate-milliseconds"
    case forgottenNonces = "forgotten-nonces"
  }

  init(_ judge: borrowing Judge) {
    nonces = judge.nonces.entryCountMax
    nonceSeconds = Int(Limits.nonceMilliseconds / 1000)
    datagrams = judge.datagrams.entryCountMax
    duplicateMilliseconds = Int(Limits.duplicateMilliseconds)
    forgottenNonces = judge.nonces.evictedCount
  }

  package var text: String {
    var text =
      "window: nonces of \(nonceSeconds) s, the last \(nonces) at most; plain duplicates within "
      + "\(duplicateMilliseconds) ms, the last \(datagrams) datagrams at most, sealed ones as nonces"
    if forgottenNonces > 0 { text += "; \(forgottenNonces) nonces made room for later ones" }
    return text
  }
}
