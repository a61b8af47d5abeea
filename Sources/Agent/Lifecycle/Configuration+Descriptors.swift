import LinuxIO

extension Configuration {
  /// Standard streams, the event loop and its socket, netlink, and what a process opens before it has anything.
  private static let descriptorCountOfAgent = 12
  /// A worker's poller with its wake-up, and its listening socket.
  private static let descriptorCountOfWorker = 3

  /// An agent with this configuration has no fewer files open; with sealed segments and clients some more.
  func descriptorCountMin(workerCount: Int) -> Int {
    Self.descriptorCountOfAgent + workerCount * (Self.descriptorCountOfWorker + segments.count)
      + (local.sourcePortCount > 1 ? local.sourcePortCount : 0)
  }
}

extension AgentRun {
  /// Before the event loop is made, which cannot do without descriptors and would end the process.
  /// - Throws: `.failed` where the limit of open files is too low for certain.
  static func judgeDescriptors(_ configuration: Configuration) throws(AgentError) {
    let workerCount = configuration.workers.count(onProcessors: Processors.count())
    let needed = configuration.descriptorCountMin(workerCount: workerCount)
    guard let limit = DescriptorLimit.soft, limit < UInt64(needed) else { return }
    throw AgentError(
      .failed,
      "the limit of \(limit) open files is too low: this configuration takes \(needed) and more; "
        + AgentError.descriptorAdvice)
  }
}
