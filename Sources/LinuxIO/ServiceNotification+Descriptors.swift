import Glibc

/// The service manager's store of descriptors: what is kept there outlives this process, and comes back to the next.
/// - SeeAlso: sd_pid_notify_with_fds(3); systemd.service(5), FileDescriptorStoreMax=.
extension ServiceNotification {
  /// Whether the manager says that it keeps descriptors (`$FDSTORE`, since systemd 254).
  package static func hasStore() -> Bool {
    // SAFETY: nobody in this program changes the environment.
    unsafe getenv("FDSTORE").flatMap { unsafe Int(String(cString: $0)) } ?? 0 > 0
  }

  /// Keeps a copy of a descriptor. It stays there also when it is broken for a while, as that of a TAP that was
  /// deleted.
  package func keep(_ descriptor: Int32, as name: DescriptorName) throws(Errno) {
    try send("FDSTORE=1\nFDPOLL=0\nFDNAME=\(name)", descriptors: [descriptor])
  }

  /// Lets go of what is kept under this name.
  package func release(_ name: DescriptorName) throws(Errno) {
    try send("FDSTOREREMOVE=1\nFDNAME=\(name)")
  }

  /// The service's main process is another from now on.
  package func mainProcess(_ pid: pid_t) throws(Errno) { try send("MAINPID=\(pid)") }
}
