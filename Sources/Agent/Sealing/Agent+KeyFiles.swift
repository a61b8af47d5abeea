import Glibc
import Logging
import Sealing
import Synchronization

/// Keys that change while the agent runs. All of it belongs to the main thread.
extension Agent {
  /// Reads the configuration and its key files again, and takes the keys over: pre-shared ones are used from the next
  /// handshake on, and sessions go on; another private key ends all sessions, and every peer is asked again.
  /// - Returns: for the log, which of the keys are others than before.
  /// - Throws: `.refused` when a file is not as it has to be, and when the configuration says anything else than at the
  ///   start; nothing has changed then.
  func reloadKeys(path: String) throws(AgentError) -> Logger.Metadata {
    let fresh = try Self.readAgain(path)
    if let key = configuration.firstDifference(from: fresh) {
      throw AgentError(.refused, "\(path): \(key) is not what it was at the start; a change of it needs a restart")
    }
    let secrets: LocalSecrets?
    do {
      secrets = try fresh.secrets(file: path)
    } catch {
      throw AgentError(.refused, error.description)
    }
    guard let secrets, let before = self.secrets else { return [:] }
    let isOther = !secrets.privateKey.isEqual(to: before.privateKey)
    take(KeyNews(privateKey: isOther ? secrets.privateKey : nil, presharedKeys: secrets.presharedKeys))
    self.secrets = secrets
    let areOther = secrets.presharedKeys.map(\.id) != before.presharedKeys.map(\.id)
    return [
      "private-key": isOther ? "changed" : "kept", "pre-shared-keys": areOther ? "changed" : "kept",
      "sessions": isOther ? "ended" : "kept",
    ]
  }

  private func take(_ news: KeyNews) {
    sealing.withLock { report in
      if let key = news.privateKey { report?.publicKey = key.publicKey.base64 }
      report?.presharedKeys = news.presharedKeys.count
    }
    if let key = news.privateKey {
      let mac = HandshakeMAC(to: key.publicKey)
      for worker in workers { worker.post { $0.follow(handshakeMAC: mac) } }
    }
    sessions?.take(news)
  }

  private static func readAgain(_ path: String) throws(AgentError) -> Configuration {
    var status = stat()
    // A pipe would be waited for, and with it everything that the main thread does.
    guard stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
      throw AgentError(.refused, "\(path): only a regular file can be read again")
    }
    do {
      return try Configuration.load(path: path)
    } catch {
      throw AgentError(.refused, error.description)
    }
  }
}
