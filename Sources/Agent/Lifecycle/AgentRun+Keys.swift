import Glibc
import LinuxIO
import Logging
import Sealing

/// The keys between their files and the agent, which alone has them then: what a caller's frame held on to would
/// outlive a change of them. One thread.
final class SecretsInTransit {
  private var secrets: LocalSecrets?

  init(_ secrets: LocalSecrets?) {
    self.secrets = secrets
  }

  /// The keys; afterwards nothing is left here.
  func take() -> LocalSecrets? {
    defer { secrets = nil }
    return secrets
  }
}

/// What a process with keys does beside running an agent.
extension AgentRun {
  /// Before the first key is in memory: nobody gets at it by a core dump.
  static func protectMemory(for configuration: Configuration) {
    guard configuration.local.privateKeyFile != nil || configuration.local.presharedKeyFile != nil else { return }
    do throws(Errno) {
      try CoreDump.forbid()
    } catch {
      say("vtep: the process may leave core dumps, without the memory of its keys: \(error)")
    }
  }

  /// How long keys live: what the standard says, but in tests.
  static func keyLife(_ log: Logger) throws(AgentError) -> KeyLife {
    guard let life = try TestKeyLife.read(getenv(TestKeyLife.variable).map { String(cString: $0) }) else {
      return .standard
    }
    log.warning(
      "\(TestKeyLife.variable) IS SET: keys live shorter than they should; unset it unless this is a test",
      metadata: ["key-seconds": "\(life.end.components.seconds)"])
    return life
  }
}
