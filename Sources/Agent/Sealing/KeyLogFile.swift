import Glibc
import LinuxIO
import Sealing
import VXLAN

/// The file that the keys of sessions are appended to, so that what is captured can be opened later: `control.key-log`.
///
/// *Threads.* One at a time.
package final class KeyLogFile: Sendable {
  let path: String
  private let log: PrivateLog

  init(_ path: String) throws(PrivateLog.Refusal) {
    self.path = path
    log = try PrivateLog(appendingTo: path)
  }

  /// The file of the configuration, while the process still is who started it; nil without the key.
  /// - Throws: `.refused` unless root did, and for a file that others may read.
  static func open(for configuration: Configuration) throws(AgentError) -> KeyLogFile? {
    guard let named = configuration.control.keyLog else { return nil }
    func refused(_ reason: String) -> AgentError {
      AgentError(.refused, "control.key-log: \(reason)", line: named.line.number)
    }
    guard geteuid() == 0 else {
      throw refused("only an agent that root starts writes its keys to a file; start it as root or remove the key")
    }
    do {
      return try KeyLogFile(named.path)
    } catch {
      throw refused("\(named.path) \(error.advice)")
    }
  }

  /// Appends the two keys of a session: the one that this end sends with first.
  func append(_ keys: [TransportKey], from local: Endpoint, to peer: Endpoint?) throws(Errno) {
    for (key, receiver) in zip(keys, [peer, local]) {
      let text = KeyLogLine(key, time: LogTime.now(), receiver: receiver).text
      try text.withBytes { bytes throws(Errno) in try log.append(bytes) }
    }
  }
}

extension PrivateLog.Refusal {
  /// What is wrong with the file, and what would be right.
  fileprivate var advice: String {
    switch self {
    case .system(let error): "cannot be written: \(error); name a file in a directory that there is, and no link"
    case .notRegular: "is no regular file; name another"
    case .owner(let owner): "belongs to user \(owner); name a file of root's, or one that is to be made"
    case .mode(let mode): "has mode 0\(String(mode, radix: 8)), so that others may read keys in it; `chmod 600` it"
    }
  }
}
