import Glibc
import LinuxIO
import Logging
import Sealing
import VXLAN

/// Reading the configuration again. All of it belongs to the main thread.
extension Agent {
  /// Changes that a line of the log is written for; more are counted.
  private static let loggedChangeCountMax = 10

  /// As `reloadConfiguration`, for a signal: what came of it is in the log.
  func hangUp() {
    _ = try? reloadConfiguration()
  }

  /// Takes over what the configuration's file and the files with keys say now, as a whole or not at all.
  /// - Throws: what is in the way, with its places; nothing has changed then.
  func reloadConfiguration() throws(ReloadFailure) -> [ConfigurationChange] {
    reloading.begun()
    defer { reloading.ended() }
    do throws(ReloadFailure) {
      let (changes, fields) = try readAgain()
      tell(of: changes)
      ProcessMemory.giveBack()
      log.notice("reloaded", metadata: fields.merging(["changes": "\(changes.count)"]) { $1 })
      return changes
    } catch {
      log.error("reload refused: everything stays as it was", metadata: ["reason": "\(error)"])
      throw error
    }
  }

  private func readAgain() throws(ReloadFailure) -> ([ConfigurationChange], Logger.Metadata) {
    guard let path = file?.path else { throw ReloadFailure(.refused, "there is no file to be read again") }
    let file = try Self.fresh(path)
    do {
      let rest = runTimeChanges.reloaded(by: try file.configuration())
      let wanted = try file.configuration(with: rest)
      AgentRun.protectMemory(for: wanted)
      let secrets = try file.secrets(of: wanted, with: rest)
      return try take(wanted, file, rest, secrets)
    } catch let error as ConfigurationError {
      throw ReloadFailure(.refused, error.description)
    } catch {
      throw ReloadFailure.of(error, file, runTimeChanges)
    }
  }

  private func take(
    _ wanted: Configuration, _ file: ConfigurationFile, _ rest: RunTimeChanges, _ secrets: LocalSecrets?
  ) throws -> ([ConfigurationChange], Logger.Metadata) {
    try refuseRestart(for: wanted, file)
    let transition = try prepare(wanted, secrets)
    let (news, told) = keyNews(secrets)
    let old = configuration
    if wanted.log != old.log { reloading.logChanged(wanted.log) }
    try commit(transition, keys: news)
    self.secrets = secrets
    (self.file, runTimeChanges) = (file, rest)
    if wanted.local.udp6ZeroChecksum != old.local.udp6ZeroChecksum { followZeroChecksum() }
    let isRestarted = news?.privateKey != nil || wanted.cipherChoice != old.cipherChoice
    let fields: Logger.Metadata = [
      "private-key": told.contains("private-key") ? "changed" : "kept",
      "pre-shared-keys": told.contains("pre-shared-keys") ? "changed" : "kept",
      "sessions": isRestarted ? "ended" : "kept",
    ]
    let keys = told.map { ConfigurationChange.secret($0) }
    return (transition.difference.changes + keys, secrets == nil ? [:] : fields)
  }

  /// What is changed since, with the file as it was read last.
  /// - Returns: what it changes.
  func change(_ changes: RunTimeChanges) throws(ReloadFailure) -> [ConfigurationChange] {
    guard let file else { throw ReloadFailure(.refused, "the agent has no configuration that could be changed") }
    do {
      let wanted = try file.configuration(with: changes)
      try wanted.judgePeers(against: secrets?.privateKey, file: file.path)
      let transition = try prepare(wanted, secrets)
      try commit(transition, keys: nil)
      runTimeChanges = changes.accepted()
      reloading.changed()
      tell(of: transition.difference.changes)
      return transition.difference.changes
    } catch let error as ConfigurationError {
      throw ReloadFailure(.refused, file.places(with: changes).resolved(error).textOfChange)
    } catch {
      throw ReloadFailure.of(error, file, changes)
    }
  }

  private func tell(of changes: [ConfigurationChange]) {
    for change in changes.prefix(Self.loggedChangeCountMax) {
      log.notice("changed", metadata: ["change": "\(change.text)"])
    }
    let more = changes.count - Self.loggedChangeCountMax
    if more > 0 { log.notice("changed", metadata: ["more-changes": "\(more)"]) }
  }

  private func refuseRestart(for wanted: Configuration, _ file: ConfigurationFile) throws(ConfigurationError) {
    var keys = ConfigurationDifference(from: configuration, to: wanted).restartKeys
    if sealed != nil, wanted.local.privateKeyFile == nil { keys.append("local.private-key-file") }
    guard !keys.isEmpty else { return }
    let problems = keys.map { key in
      ConfigurationProblem(
        line: file.line(of: key),
        message:
          "\(key): a change of it needs a restart; write what it was at the start, or restart"
      )
    }
    throw ConfigurationError(file: file.path, problems: problems)
  }

  /// What sessions are to take over of the keys that were read, and the names of those that are others.
  private func keyNews(_ secrets: LocalSecrets?) -> (news: KeyNews?, changed: [String]) {
    guard let secrets, let before = self.secrets else { return (nil, []) }
    let isOther = !secrets.privateKey.isEqual(to: before.privateKey)
    let areOther = secrets.presharedKeys.map(\.id) != before.presharedKeys.map(\.id)
    sealing.withLock { report in
      if isOther { report?.publicKey = secrets.privateKey.publicKey.base64 }
      report?.presharedKeys = secrets.presharedKeys.count
    }
    let news = KeyNews(privateKey: isOther ? secrets.privateKey : nil, presharedKeys: secrets.presharedKeys)
    return (news, (isOther ? ["private-key"] : []) + (areOther ? ["pre-shared-keys"] : []))
  }

  private func followZeroChecksum() {
    for underlay in underlays {
      do throws(Errno) {
        try underlay.setAcceptsZeroChecksum(configuration.local.udp6ZeroChecksum == .accept)
      } catch {
        log.warning("datagrams without a checksum are judged as before", metadata: ["error": "\(error)"])
      }
    }
  }

  private static func fresh(_ path: String) throws(ReloadFailure) -> ConfigurationFile {
    var status = stat()
    // A pipe would be waited for, and with it everything that the main thread does.
    guard stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
      throw ReloadFailure(.refused, "\(path): only a regular file can be read again")
    }
    do {
      return try ConfigurationFile.read(path: path)
    } catch {
      throw ReloadFailure(.refused, error.description)
    }
  }
}

/// Why a running agent goes on as it was: a line for each reason, with its place.
struct ReloadFailure: Error, Equatable, CustomStringConvertible {
  let kind: AgentError.Kind
  let description: String

  init(_ kind: AgentError.Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  /// What the system, or the underlay, had against it.
  static func of(_ error: any Error, _ file: ConfigurationFile, _ changes: RunTimeChanges) -> ReloadFailure {
    guard let error = error as? AgentError else { return ReloadFailure(.failed, "\(error)") }
    guard error.kind == .refused else { return ReloadFailure(.failed, error.message) }
    let problem = ConfigurationProblem(line: error.line, message: error.message)
    let places = file.places(with: changes)
    return ReloadFailure(
      .refused, places.resolved(ConfigurationError(file: file.path, problems: [problem])).textOfChange)
  }
}

extension ConfigurationError {
  /// As `description`, without the file's name where nothing of it is meant.
  fileprivate var textOfChange: String {
    problems.map { problem in problem.line.map { "\(file):\($0): \(problem.message)" } ?? problem.message }
      .joined(separator: "\n")
  }
}
