import Glibc
import LinuxIO
import Logging

/// What the service manager is told when one agent follows another.
extension AgentRun {
  /// Says that the agent is ready, in whose place it is, and what is to be kept for the next.
  static func begin(
    _ agent: Agent, after predecessor: Predecessor, _ notification: ServiceNotification, _ log: Logger
  ) {
    if predecessor.isRunning { notify(log) { () throws(Errno) in try notification.mainProcess(getpid()) } }
    notify(log) { () throws(Errno) in try notification.ready(status: agent.summary) }
    // One that has handed something back keeps descriptors, whether it says so or not.
    if ServiceNotification.hasStore() || !predecessor.names.isEmpty && !predecessor.isRunning {
      agent.descriptorStore = DescriptorStore(
        notification, holding: predecessor.names, fitting: predecessor.descriptors.fitting)
      notify(log) { () throws(Errno) in try agent.keepDescriptors() }
    }
    // The manager believes the main process, which for the moment is this one.
    agent.retirement.setOnSuccession { pid in
      notify(log) { () throws(Errno) in try notification.mainProcess(pid) }
    }
  }
}
