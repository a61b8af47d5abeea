import Dataplane
import Glibc
import LinuxIO
import VXLAN

/// The device through which one segment reaches this host: a TAP, alone or as a port of a bridge.
///
/// Made on start, mended when somebody deletes the TAP, removed on `remove`. What was there before stays.
/// *Threads.* One at a time, which the lock of the agent's netlink socket sees to; the queues of `tap` are handed to
/// the workers.
final class OverlayDevice {
  /// Frames that the TAP holds for the agent before the kernel drops. A longer queue gained throughput for bursts of
  /// small frames; a much longer one is only delay.
  private static let transmitQueueLength = 5_000

  private(set) var segment: Configuration.Segment
  private(set) var mac: MACAddress
  /// What the device is set to, in bytes of an IP packet.
  private(set) var linkMTU: Int
  let tap: TAPDevice
  /// What the segment adds to a frame.
  private var overhead: Overhead
  /// The bridge that this agent created, by number; it goes with the agent.
  private var ownBridge: Int32?
  /// The bridge that the TAP was made a port of, by number.
  private var bridgeIndex: Int32?
  private var kernelDrops = DropTotal()
  /// False while another agent uses the device, or its name: it is left as it is until `settle`.
  private(set) var isSettled = true

  /// Creates the TAP, and the bridge if there is none, and brings them up with their addresses. When it throws, what
  /// was made is gone again.
  init(
    _ segment: Configuration.Segment, _ plan: SegmentPlan, usesOffloads: Bool, steering: FlowSteering?,
    predecessor: Predecessor = Predecessor(), netlink: inout NetlinkSocket
  ) throws(AgentError) {
    self.segment = segment
    mac = plan.ownMAC
    linkMTU = plan.overlayMTU
    overhead = plan.overhead
    do {
      if let inherited = try predecessor.tap(of: segment, usesOffloads: usesOffloads, steering: steering) {
        tap = inherited.tap
        isSettled = !predecessor.isRunning && !inherited.isLater
      } else {
        tap = try predecessor.patiently { () throws(Errno) in
          try Self.refuseUsed(segment.tap, &netlink)
          return try TAPDevice(named: segment.tap, usesOffloads: usesOffloads, steering: steering)
        }
      }
    } catch {
      throw Self.explain(error, segment: segment, isMultiQueue: steering != nil)
    }
    guard isSettled else { return }
    do {
      try restore(&netlink)
    } catch {
      remove(&netlink)
      throw .failed("segment \(segment.vni): setting up \(segment.tap)", error)
    }
  }

  /// Whether the bridge is this agent's, and goes with it.
  var ownsBridge: Bool { ownBridge != nil }

  /// After another agent has left the device, or its name: makes it what the segment says.
  /// - Parameter before: what it was to the other; nil: nothing.
  func settle(after before: CarriedState.Segment?, _ netlink: inout NetlinkSocket) throws(Errno) {
    if let before { try leave(before, &netlink) }
    try restore(&netlink)
    isSettled = true
  }

  /// Takes away what the segment does not say any more, and takes over its bridge.
  private func leave(_ before: CarriedState.Segment, _ netlink: inout NetlinkSocket) throws(Errno) {
    guard let link = try netlink.link(named: segment.tap) else { return }
    let isMoving = before.bridge != segment.bridge
    let bridge = try before.bridge.flatMap { name throws(Errno) in try netlink.link(named: name)?.index }
    if before.ownsBridge, !isMoving { ownBridge = bridge }
    let addresses = before.addresses.compactMap { IPPrefix($0) }
    for prefix in addresses where isMoving || !segment.addresses.contains(prefix) {
      try netlink.removeAddress(prefix, fromLink: bridge ?? link.index)
    }
    if isMoving, bridge != nil { try netlink.setLink(index: link.index, LinkChange(masterIndex: 0)) }
  }

  /// Attaches the TAP's descriptor to a new device after the old one was deleted, and sets it up as before. After a
  /// failure it can be called again, and goes on where it failed.
  func restore(_ netlink: inout NetlinkSocket) throws(Errno) {
    if try tap.reattach() { kernelDrops.restart() }
    try configure(&netlink)
  }

  /// Whether the TAP is there and is no port of its bridge: somebody took it out or deleted the bridge.
  func hasLostBridge(_ netlink: inout NetlinkSocket) throws(Errno) -> Bool {
    // A port's bridge exists, so one question is enough.
    guard segment.bridge != nil, let link = try netlink.link(named: segment.tap) else { return false }
    return link.masterIndex == nil || link.masterIndex != bridgeIndex
  }

  /// Makes the TAP a port of its bridge again, which is created anew when it is gone.
  func rejoinBridge(_ netlink: inout NetlinkSocket) throws(Errno) {
    try configure(&netlink)
  }

  /// Makes the device's MTU what the segment now carries. That of a bridge's port is never lowered: the bridge would
  /// drop silently what does not fit, where the data path answers the sender. It is, once the TAP is no port any more.
  func follow(overlayMTU: Int, _ netlink: inout NetlinkSocket) throws(Errno) {
    // The kernel takes IPv6 and its addresses away from a device of less.
    let floor = segment.hasIPv6Address ? Configuration.Limits.mtuMinForIPv6 : Overhead.overlayMTUMin
    let wanted = max(overlayMTU, floor)
    guard wanted != linkMTU else { return }
    let link = try netlink.link(named: segment.tap)
    let isPort = segment.bridge != nil || link?.masterIndex != nil
    guard wanted > linkMTU || !isPort else { return }
    // A TAP that was deleted is set up with it when it is back.
    if let link {
      try netlink.setLink(
        index: link.index, LinkChange(linkMTU: wanted, gsoByteCountMax: superframeByteCountMax(linkMTU: wanted)))
    }
    linkMTU = wanted
  }

  /// Frames that the kernel dropped because the TAP's queue was full, since the agent started or before. What was
  /// dropped after the last call and before the device was deleted is not known to anybody.
  func kernelDropCount(_ netlink: inout NetlinkSocket) -> UInt64 {
    if let link = try? netlink.link(named: segment.tap) { kernelDrops.note(link.transmitDroppedCount) }
    return kernelDrops.count
  }

  /// Removes the bridge that the agent created. The TAP goes when its descriptor is closed.
  func remove(_ netlink: inout NetlinkSocket) {
    guard let bridge = ownBridge else { return }
    ownBridge = nil
    // Gone already is what was wanted.
    try? netlink.deleteLink(index: bridge)
  }

  /// Becomes what another configuration says of the segment, or of another one with the same TAP. That is asked of the
  /// kernel by `restore`.
  func follow(_ segment: Configuration.Segment, _ plan: SegmentPlan, _ netlink: inout NetlinkSocket) throws(Errno) {
    let former = self.segment
    (self.segment, mac, overhead) = (segment, plan.ownMAC, plan.overhead)
    let isPort = bridgeIndex != nil && segment.bridge == former.bridge
    if !isPort || plan.overlayMTU > linkMTU { linkMTU = plan.overlayMTU }
    guard let link = try netlink.link(named: segment.tap) else { return }
    let addressed = bridgeIndex ?? link.index
    let isMoving = segment.bridge != former.bridge
    for prefix in former.addresses where isMoving || !segment.addresses.contains(prefix) {
      try netlink.removeAddress(prefix, fromLink: addressed)
    }
    guard isMoving, former.bridge != nil else { return }
    bridgeIndex = nil
    try netlink.setLink(index: link.index, LinkChange(masterIndex: 0))
    remove(&netlink)
  }

  /// Follows a configuration that asks nothing else of the device.
  func note(_ segment: Configuration.Segment, _ plan: SegmentPlan) {
    (self.segment, overhead) = (segment, plan.overhead)
  }

  /// Takes over the bridge that another device created, when that has gone and this one is its port.
  func inherit(from other: OverlayDevice) {
    guard let bridge = other.ownBridge, other !== self, bridge == bridgeIndex else { return }
    (ownBridge, other.ownBridge) = (bridge, nil)
  }

  /// The largest superframe whose segments fill exactly one send: without that every superframe leaves a tail of two or
  /// three segments that costs a send of its own.
  ///
  /// TCP keeps about 320 bytes of the limit for headers and cuts to whole segments of its own accord, so half a segment
  /// more than that is room enough, and never too much.
  static func gsoByteCountMax(linkMTU: Int, overhead: Overhead) -> Int {
    let datagramByteCount =
      linkMTU + EthernetHeader.byteCount + overhead.headerByteCount + overhead.tagByteCount
    let segmentCount = min(LinuxIO.Limits.runByteCountMax / datagramByteCount, LinuxIO.Limits.datagramsPerRun)
    let tcpPayloadByteCount = linkMTU - 52
    return min(65_536, max(segmentCount * tcpPayloadByteCount + 700, linkMTU))
  }

  private func superframeByteCountMax(linkMTU: Int) -> Int? {
    tap.offloads.reading.isOn ? Self.gsoByteCountMax(linkMTU: linkMTU, overhead: overhead) : nil
  }

  private func configure(_ netlink: inout NetlinkSocket) throws(Errno) {
    guard let link = try netlink.link(named: segment.tap) else { throw Errno(ENODEV, segment.tap) }
    if link.mac != mac { try netlink.setLink(index: link.index, LinkChange(mac: mac)) }
    try netlink.setLink(
      index: link.index,
      LinkChange(
        linkMTU: linkMTU, transmitQueueLength: Self.transmitQueueLength,
        gsoByteCountMax: superframeByteCountMax(linkMTU: linkMTU)))
    var addressed = link.index
    if let name = segment.bridge {
      addressed = try bridge(named: name, &netlink)
      try netlink.setLink(index: link.index, LinkChange(masterIndex: addressed))
      bridgeIndex = addressed
    }
    // An address belongs to the bridge when there is one: a port of a bridge receives nothing for the host.
    for prefix in segment.addresses { try netlink.addAddress(prefix, toLink: addressed) }
    try netlink.setLink(index: link.index, LinkChange(isUp: true))
    if addressed != link.index { try netlink.setLink(index: addressed, LinkChange(isUp: true)) }
  }

  /// The number of the bridge, which is created when there is none.
  private func bridge(named name: String, _ netlink: inout NetlinkSocket) throws(Errno) -> Int32 {
    if let found = try netlink.link(named: name) {
      guard found.kind == "bridge" else { throw Errno(EEXIST, "\(name) exists and is no bridge") }
      // Somebody else has made it in place of ours, and it stays.
      if found.index != ownBridge { ownBridge = nil }
      return found.index
    }
    let index = try netlink.createBridge(named: name, mac: mac)
    ownBridge = index
    return index
  }

  /// A device with several queues takes any number of processes, and would share the frames between them: the kernel
  /// refuses a second one only without.
  private static func refuseUsed(_ name: String, _ netlink: inout NetlinkSocket) throws(Errno) {
    let queueCount = try netlink.link(named: name)?.tapQueueCount ?? 0
    if queueCount > 0 { throw Errno(EBUSY, name) }
  }

  private static func explain(
    _ error: Errno, segment: Configuration.Segment, isMultiQueue: Bool
  ) -> AgentError {
    let what = "segment \(segment.vni): TAP \(segment.tap)"
    return switch error.number {
    case EPERM, EACCES:
      AgentError(.failed, what + ": not permitted; the agent needs root or CAP_NET_ADMIN")
    case EBUSY:
      AgentError(.failed, what + ": in use by another process; stop it or name another `tap`")
    case EINVAL:
      AgentError(
        .failed,
        what + ": a device of this name exists and is no TAP \(isMultiQueue ? "with" : "without") multi_queue, which "
          + "\(isMultiQueue ? "several workers need" : "one worker wants"); delete it or name another `tap`")
    case ENOENT, ENODEV, ENXIO:
      AgentError(.failed, what + ": /dev/net/tun is not there; load the kernel module tun")
    default:
      .failed(what, error)
    }
  }
}
