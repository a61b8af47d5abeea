import Forwarding
import VXLAN

/// Short words of tests.
extension FDB {
  /// Sets an entry as the configuration does.
  package borrowing func setStatic(_ mac: MACAddress, at remote: Remote, now: UInt32) {
    set(mac, at: remote, by: .configuration, now: now)
  }
}

extension FDBEntry {
  package var isStatic: Bool { state == .static }
}
