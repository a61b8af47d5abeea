/// The keys with which a lab's host seals its segment.
package struct LabSealing: Sendable {
  /// The file with the host's private key.
  package let privateKeyFile: String
  /// The other host's public key, in base64.
  package let peerPublicKey: String
  /// As the configuration names it; nil for what both ends have.
  package let cipher: String?

  package init(privateKeyFile: String, peerPublicKey: String, cipher: String? = nil) {
    self.privateKeyFile = privateKeyFile
    self.peerPublicKey = peerPublicKey
    self.cipher = cipher
  }
}
