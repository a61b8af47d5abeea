import Sealing

/// What key files say that were read again.
struct KeyNews: Sendable {
  /// Nil where it is the one that there was.
  let privateKey: PrivateKey?
  /// Two at most, the preferred first.
  let presharedKeys: [PresharedKey]
}
