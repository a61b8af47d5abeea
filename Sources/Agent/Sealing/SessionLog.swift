import Glibc
import LinuxIO
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
    logger.log(.warning, class: "session-lost", peer: peer, "session is lost; sealed frames wait for a new one")
  }

  func moved(_ peer: String, to endpoint: Endpoint) {
    logger.log(.notice, class: "session-moved", peer: peer, "peer has moved", metadata: ["endpoint": "\(endpoint)"])
  }

  func path(_ peer: String, takes pathMTU: Int, before: Int) {
    logger.log(
      .notice, class: "path-mtu-probed", peer: peer, "the path MTU was found to be another",
      metadata: ["path-mtu": "\(pathMTU)", "before": "\(before)", "path-mtu-source": "probe"])
  }

  /// - Parameters:
  ///   - peer: whose address `source` is.
  ///   - wasLate: whether it is one of before, which a slow or doubling network brings: nothing to worry about.
  func refused(from source: Endpoint, peer: String?, wasLate: Bool) {
    guard !wasLate else {
      return logger.log(
        .debug, class: "handshake-late", peer: peer, "handshake passed over: repeated or late",
        metadata: ["from": "\(source)"])
    }
    logger.log(
      .notice, class: "handshake-refused", peer: peer,
      "handshake refused: unknown key or other pre-shared key",
      metadata: ["from": "\(source)"])
  }

  func unlogged(_ path: String, _ failure: Errno) {
    logger.log(
      .warning, class: "key-log", peer: nil, "keys could not be written to the key log",
      metadata: ["key-log": "\(path)", "error": "\(failure)"])
  }

  func unsent(to destination: Endpoint, peer: String?, _ failure: Int32) {
    logger.log(
      .warning, class: "session-unsent", peer: peer, "handshake or control message could not be sent",
      metadata: ["to": "\(destination)", "error": "\(String(cString: strerror(failure)))"])
  }
}
