import Dataplane
import Glibc
import LinuxIO
import Logging

/// What the process is left with, whoever started it.
extension AgentRun {
  /// What is had by right of what is given up.
  struct Endowment: Sendable {
    /// The program for the TAPs of several workers; loading one takes CAP_BPF.
    let steering: FlowSteering?
    /// Whether the configuration can be read again.
    let mayReload: Bool
    /// Opened as root; nil without the key.
    let keyLog: KeyLogFile?
  }

  /// Becomes the user of the configuration, if it names one, and gives up every right but CAP_NET_ADMIN. Before any
  /// other thread exists, so that none has more.
  /// - Parameter path: of the configuration.
  /// - Throws: `.refused` for a user that there is not; `.failed` where the process may not become it.
  static func giveUpPrivileges(_ configuration: Configuration, path: String) throws(AgentError) -> Endowment {
    let account: UserAccount?
    do {
      account = try configuration.account(file: path)
    } catch {
      throw AgentError(.refused, error.description)
    }
    try judgeRights()
    let keyLog = try KeyLogFile.open(for: configuration)
    let workerCount = configuration.workers.count(onProcessors: Processors.count())
    let steering = workerCount > 1 ? FlowSteering(queueCount: workerCount) : nil
    if let account, geteuid() == 0 { try prepareControlDirectory(configuration, for: account) }
    do {
      if try Capabilities.effective().isSuperset(of: [.ipcLock, .sysResource]) { MemoryLock.lift() }
      try Capabilities.keepOnly(.netAdmin, becoming: account)
    } catch {
      let user = account.map { "user \($0.name): " } ?? ""
      let right = error.number == EPERM ? "; start the agent as root\(account == nil ? "" : ", or as that user")" : ""
      throw AgentError(.failed, "\(user)giving up privileges failed: \(error)\(right)")
    }
    return Endowment(steering: steering, mayReload: access(path, R_OK) == 0, keyLog: keyLog)
  }

  /// Tells of what the agent will not be able to do later on.
  static func describe(_ endowment: Endowment, path: String, log: Logger) {
    if let keyLog = endowment.keyLog {
      log.warning(
        "the keys of all sessions are written to a file: who reads it can read what was captured",
        metadata: ["key-log": "\(keyLog.path)"])
    }
    guard !endowment.mayReload else { return }
    log.warning(
      "the agent's user cannot read the configuration again, so a reload will be refused", metadata: ["file": "\(path)"]
    )
  }

  /// - Throws: without the one right that no agent can do without.
  private static func judgeRights() throws(AgentError) {
    // Where it cannot be read, what needs it says so.
    guard let rights = try? Capabilities.effective(), !rights.contains(.netAdmin) else { return }
    throw AgentError(
      .failed, "TAP devices take root or CAP_NET_ADMIN; start the agent as root, or give its service that capability")
  }

  private static func prepareControlDirectory(
    _ configuration: Configuration, for account: UserAccount
  ) throws(AgentError) {
    do {
      try ControlSocketPath(configuration.control.socket).prepareDirectory(for: account)
    } catch {
      throw AgentError(.failed, error.message)
    }
  }
}
