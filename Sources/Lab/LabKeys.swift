import Glibc
import LinuxIO
import Sealing

/// New keys of a lab's two hosts, written to files that only their owner can read.
package struct LabKeys: Sendable {
  /// What each host's configuration says of keys.
  package let a: LabSealing
  package let b: LabSealing

  /// Makes a pair of keys for each host, with files in `directory`, which had none.
  /// - Parameter cipher: as a configuration names it; nil for what both ends have.
  package init(in directory: String, cipher: String? = nil) throws(LabFailure) {
    let (a, b) = (try LabKeys.make("a", directory), try LabKeys.make("b", directory))
    self.a = LabSealing(privateKeyFile: a.file, peerPublicKey: b.publicKey, cipher: cipher)
    self.b = LabSealing(privateKeyFile: b.file, peerPublicKey: a.publicKey, cipher: cipher)
  }

  private static func make(
    _ name: String, _ directory: String
  ) throws(LabFailure) -> (file: String, publicKey: String) {
    var entropy = SystemEntropy()
    let key = PrivateKey(from: &entropy)
    let path = "\(directory)/\(name).key"
    let bytes = Array((key.exportedBase64 + "\n").utf8)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .step("make \(path): \(Errno.current("open"))") }
    defer { close(descriptor) }
    guard write(descriptor, bytes, bytes.count) == bytes.count else {
      throw .step("write \(path): \(Errno.current("write"))")
    }
    return (path, key.publicKey.base64)
  }
}
