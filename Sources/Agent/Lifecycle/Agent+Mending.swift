import Glibc
import LinuxIO

/// Bringing back what somebody took away. All of it belongs to the main thread.
extension Agent {
  /// Tries to bring back each broken TAP; false when one is still broken.
  func mend() -> Bool {
    for failure in brokenSegments.takeNew() {
      let error = String(cString: strerror(failure.number))
      if let slot = failure.segment {
        throttledLog.log(
          .warning, class: "tap-failed", "TAP failed; it is being mended",
          metadata: ["vni": "\(topology.segments[slot].vni)", "error": "\(error)"])
      } else {
        throttledLog.log(.warning, class: "underlay-failed", "underlay failed", metadata: ["error": "\(error)"])
      }
    }
    for slot in brokenSegments.segments { mend(slot) }
    return brokenSegments.segments.isEmpty
  }

  private func mend(_ slot: Int) {
    do throws(Errno) {
      try netlink.withLock { netlink throws(Errno) in try devices[slot].restore(&netlink) }
      // Before it is watched: the worker may note the next failure at once, and that one must not be forgotten.
      brokenSegments.mended(slot)
      do throws(Errno) {
        try worker.watch(segment: slot)
      } catch {
        brokenSegments.putBack(slot)
        throw error
      }
      throttledLog.log(
        .notice, class: "tap-back", "TAP is back", metadata: ["vni": "\(topology.segments[slot].vni)"])
    } catch {
      throttledLog.log(
        .warning, class: "tap-not-mended", "TAP cannot be mended yet",
        metadata: ["vni": "\(topology.segments[slot].vni)", "error": "\(error)"])
    }
  }
}
