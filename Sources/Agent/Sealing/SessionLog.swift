import Glibc
import Logging
import Sealing
import VXLAN

/// What the log says of sessions: who and where, never a key. Others can cause all of it, so all of it is throttled.
struct SessionLog: Sendable {
  private let logger: ThrottledLogger

  init(_ logger: ThrottledLogger) {
    self.logger = logger
  }

  func up(_ peer: String, cipher: Cipher, at endpoint: Endpoint) {
    logger.log(
      .notice, class: "session-up", peer: peer, "session is up",
      metadata: ["cipher": "\(cipher.configurationName)", "endpoint": "\(endpoint)"])
  }

  func lost(_ peer: String) {
    logger.log(.warning, class: "session-lost", peer: peer, "session is lost; frames wait for a new one")
  }

  func moved(_ peer: String, to endpoint: Endpoint) {
    logger.log(.notice, class: "session-moved", peer: peer, "peer has moved", metadata: ["endpoint": "\(endpoint)"])
  }

  /// - Parameter peer: whose address `source` is.
  func refused(from source: Endpoint, peer: String?) {
    logger.log(
      .notice, class: "handshake-refused", peer: peer,
      "handshake refused: unknown key, other pre-shared key, or replayed",
      metadata: ["from": "\(source)"])
  }

  func unsent(to destination: Endpoint, peer: String?, _ failure: Int32) {
    logger.log(
      .warning, class: "session-unsent", peer: peer, "handshake or control message could not be sent",
      metadata: ["to": "\(destination)", "error": "\(String(cString: strerror(failure)))"])
  }
}
