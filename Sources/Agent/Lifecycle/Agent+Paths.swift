import Dataplane
import LinuxIO
import Logging
import VXLAN

/// Following the underlay: what fits on the way to each peer, and what the segments carry. All of it belongs to the
/// main thread.
extension Agent {
  /// Reads the routes again when that is due. Answers when it wants to be called again.
  func followPaths() -> Instant {
    let start = Instant(nanoseconds: Clock.now())
    guard pathSchedule.next(hasNews: pathNews.isWaiting) <= start else {
      return pathSchedule.next(hasNews: pathNews.isWaiting)
    }
    pathNews.take()
    netlink.withLock { netlink in readPaths(&netlink) }
    pathSchedule.note(start: start, end: Instant(nanoseconds: Clock.now()))
    return pathSchedule.next(hasNews: pathNews.isWaiting)
  }

  private func readPaths(_ netlink: inout NetlinkSocket) {
    var lookup = UnderlayLookup(local: configuration.local.address)
    var news: [Int: PeerRoute] = [:]
    let places = sealed?.places.all ?? [:]
    for slot in generation.peers.indices {
      let peer = generation.peers[slot]
      guard let before = routes[slot] else { continue }
      let now = lookup.way(
        to: peer.address, movedTo: places[slot], isPlainToo: configuration.hasPlainSegment(peer), before: before,
        netlink: &netlink)
      guard now != before else { continue }
      routes[slot] = now
      if sessions != nil, configuration.hasSession(peer) {
        news[slot] = PeerRoute(pathMTU: now.pathMTU, isOther: now.isOther(than: before))
        // More is found out by asking the peer, less is so at once.
        setPathMTU(min(now.pathMTU, topology.limits.pathMTU(ofPeer: slot)), ofPeer: slot)
      } else {
        setPathMTU(now.pathMTU, ofPeer: slot)
      }
    }
    sessions?.follow(news)
    for slot in topology.segments.indices { follow(segment: slot, &lookup, &netlink) }
  }

  private func setPathMTU(_ pathMTU: Int, ofPeer slot: Int) {
    let before = topology.limits.pathMTU(ofPeer: slot)
    guard pathMTU != before else { return }
    topology.limits.setPathMTU(pathMTU, ofPeer: slot)
    peerEvents.pathMTU(pathMTU, ofPeer: slot)
    throttledLog.log(
      .notice, class: "path-mtu", peer: generation.peers[slot].name, "the path MTU has changed",
      metadata: ["path-mtu": "\(pathMTU)", "before": "\(before)", "path-mtu-source": "route"])
  }

  /// What was found by probing lowers no segment and no TAP: it acts peer by peer.
  private func follow(segment slot: Int, _ lookup: inout UnderlayLookup, _ netlink: inout NetlinkSocket) {
    let plan = topology.segments[slot]
    let underlayMTU =
      plan.peers.compactMap { routes[$0]?.pathMTU }.min() ?? lookup.unroutedMTU(&netlink)
    guard let underlayMTU else { return }
    // The data path answers or drops what is still too large for a path without room.
    let largest = plan.overhead.overlayMTU(underlayMTU: underlayMTU) ?? Overhead.overlayMTUMin
    guard case .auto = generation.segments[slot].mtu else {
      return judgeFixed(slot, largest: largest, underlayMTU: underlayMTU)
    }
    // First the data path, then the device: what fits one of them only is answered, never sent in vain.
    let frameByteCountMax = largest + plan.frameByteCountMax - plan.overlayMTU
    if frameByteCountMax != topology.limits.frameByteCountMax(ofSegment: slot) {
      topology.limits.setFrameByteCountMax(frameByteCountMax, ofSegment: slot)
      throttledLog.log(
        .notice, class: "overlay-mtu", "the MTU of the segment has changed",
        metadata: ["vni": "\(plan.vni)", "mtu": "\(largest)", "underlay-mtu": "\(underlayMTU)"])
    }
    do throws(Errno) {
      try devices[slot].follow(overlayMTU: largest, &netlink)
    } catch {
      throttledLog.log(
        .warning, class: "tap-mtu", "the MTU of the TAP cannot be changed yet",
        metadata: ["vni": "\(plan.vni)", "mtu": "\(largest)", "error": "\(error)"])
    }
  }

  /// A configured MTU stays; the first reading with which it does not fit tells.
  private func judgeFixed(_ slot: Int, largest: Int, underlayMTU: Int) {
    let plan = topology.segments[slot]
    guard plan.overlayMTU > largest else {
      return tightSegments.withLock { _ = $0.remove(slot) }
    }
    guard tightSegments.withLock({ $0.insert(slot).inserted }) else { return }
    throttledLog.log(
      .warning, class: "mtu-does-not-fit", "the configured mtu does not fit any more; larger packets are answered",
      metadata: [
        "vni": "\(plan.vni)", "mtu": "\(plan.overlayMTU)", "fits": "\(largest)", "underlay-mtu": "\(underlayMTU)",
      ])
  }
}
