import LinuxIO

/// Keeps what the agent reads and writes with the service manager, so that it outlives the process. One thread.
struct DescriptorStore {
  private let notification: ServiceNotification
  /// What is kept, and as which number of this process.
  private var kept: [DescriptorName: Int32] = [:]

  /// - Parameters:
  ///   - names: what the manager has handed back, or another process has kept.
  ///   - fitting: those that are used, as which number.
  init(_ notification: ServiceNotification, holding names: Set<DescriptorName>, fitting: [DescriptorName: Int32]) {
    self.notification = notification
    // Of the others no descriptor of ours has such a number.
    for name in names { kept[name] = fitting[name] ?? -1 }
  }

  /// Keeps just these from now on.
  mutating func follow(_ descriptors: [(name: DescriptorName, descriptor: Int32)]) throws(Errno) {
    let wanted = Dictionary(descriptors.map { ($0.name, $0.descriptor) }) { first, _ in first }
    for name in kept.keys.sorted(by: { "\($0)" < "\($1)" }) where wanted[name] != kept[name] {
      try notification.release(name)
      kept[name] = nil
    }
    for (name, descriptor) in descriptors where kept[name] != descriptor {
      try notification.keep(descriptor, as: name)
      kept[name] = descriptor
    }
  }
}
