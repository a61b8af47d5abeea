import Glibc
import Lab
import LinuxIO
import Sealing

/// New keys of the demonstration's two hosts, written to files that only their owner can read.
struct DemoKeys {
  /// What each host's configuration says of keys.
  let a: LabSealing
  let b: LabSealing

  /// Makes a pair of keys for each host, with files in `directory`.
  init(in directory: String) throws(LabFailure) {
    let (a, b) = (try DemoKeys.make("a", directory), try DemoKeys.make("b", directory))
    self.a = LabSealing(privateKeyFile: a.file, peerPublicKey: b.publicKey)
    self.b = LabSealing(privateKeyFile: b.file, peerPublicKey: a.publicKey)
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
