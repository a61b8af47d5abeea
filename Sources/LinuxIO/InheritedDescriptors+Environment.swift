import Glibc

/// Descriptors that the service manager has kept, or has opened for this process.
/// - SeeAlso: sd_listen_fds(3), "Notes": the protocol without the library.
extension InheritedDescriptors {
  private static let firstDescriptor: Int32 = 3

  /// What `$LISTEN_FDS`, `$LISTEN_FDNAMES` and `$LISTEN_PID` say, once: the variables are gone afterwards. To be called
  /// before there are other threads, and before anything is opened. What has no name of ours is closed, and noted.
  package static func fromEnvironment() -> InheritedDescriptors {
    // SAFETY: there is no other thread yet, so nobody reads the environment meanwhile.
    func take(_ name: String) -> String? {
      defer { unsafe unsetenv(name) }
      return unsafe getenv(name).map { unsafe String(cString: $0) }
    }
    let (count, names, pid) = (take("LISTEN_FDS"), take("LISTEN_FDNAMES"), take("LISTEN_PID"))
    let inherited = InheritedDescriptors()
    guard let pid, pid_t(pid) == getpid(), let count = count.flatMap({ Int32($0) }), count > 0 else {
      return inherited
    }
    inherited.take(count, named: names ?? "")
    return inherited
  }

  private func take(_ count: Int32, named names: String) {
    let names = names.split(separator: ":", omittingEmptySubsequences: false)
    for index in 0..<min(count, Int32(clamping: DescriptorLimit.soft ?? 1024)) {
      let descriptor = Self.firstDescriptor + index
      guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else { continue }
      let text = Int(index) < names.count ? String(names[Int(index)]) : ""
      if let name = DescriptorName(text) {
        give(descriptor, as: name)
      } else {
        noteMisfit("a descriptor called \(text.debugDescription) is none of an agent's")
        _ = close(descriptor)
      }
    }
  }
}
