import Glibc
import LinuxIO
import Logging

/// Bringing back what somebody took away. All of it belongs to the main thread.
extension Agent {
  /// Tries to bring back each broken TAP; false when one is still broken.
  func mend() -> Bool {
    for failure in brokenSegments.takeNew() {
      let error = String(cString: strerror(failure.number))
      if let slot = failure.segment {
        guard let segment = topology.segments.element(at: slot) else { continue }
        throttledLog.log(
          .warning, class: "tap-failed", "TAP failed; it is being mended",
          metadata: ["vni": "\(segment.vni)", "error": "\(error)"])
      } else {
        throttledLog.log(.warning, class: "underlay-failed", "underlay failed", metadata: ["error": "\(error)"])
      }
    }
    for slot in brokenSegments.segments {
      // One that has left has nothing to be mended.
      if devices.isOccupied(slot) { mend(slot) } else { brokenSegments.mended(slot) }
    }
    return brokenSegments.segments.isEmpty
  }

  /// Puts TAPs that have lost their bridge back; of each that cannot be put back it tells once.
  func tendBridges() {
    let broken = brokenSegments.segments
    for slot in devices.indices where devices[slot].segment.bridge != nil && !broken.contains(slot) {
      tendBridge(of: slot)
    }
  }

  private func tendBridge(of slot: Int) {
    let device = devices[slot]
    var fields: Logger.Metadata = ["vni": "\(topology.segments[slot].vni)", "bridge": "\(device.segment.bridge ?? "")"]
    // What failed half-way may be a port already, without its addresses.
    let isUnfinished = strayedSegments.contains(slot)
    do throws(Errno) {
      let isRejoined = try netlink.withLock { netlink throws(Errno) in
        let isLost = try device.hasLostBridge(&netlink)
        guard isLost || isUnfinished else { return false }
        try device.rejoinBridge(&netlink)
        return true
      }
      strayedSegments.remove(slot)
      guard isRejoined else { return }
      throttledLog.log(
        .warning, class: "bridge-lost", "TAP had lost its bridge and is a port of it again", metadata: fields)
    } catch {
      guard strayedSegments.insert(slot).inserted else { return }
      fields["error"] = "\(error)"
      throttledLog.log(
        .warning, class: "bridge-not-mended", "TAP has lost its bridge and cannot be put back yet", metadata: fields)
    }
  }

  private func mend(_ slot: Int) {
    do throws(Errno) {
      try netlink.withLock { netlink throws(Errno) in try devices[slot].restore(&netlink) }
      // Before it is watched: a worker may note the next failure at once, and that one must not be forgotten.
      brokenSegments.mended(slot)
      do throws(Errno) {
        for worker in workers { try worker.watch(segment: slot) }
      } catch {
        brokenSegments.putBack(slot)
        throw error
      }
      throttledLog.log(
        .notice, class: "tap-back", "TAP is back", metadata: ["vni": "\(topology.segments[slot].vni)"])
    } catch {
      throttledLog.log(
        .warning, class: "tap-not-mended", segment: topology.segments[slot].vni, "TAP cannot be mended yet",
        metadata: ["error": "\(error)"])
    }
  }
}
