import Dataplane
import Forwarding
import LinuxIO
import VXLAN

/// Changing the tables of a running agent. On the control thread; the tables have locks of their own.
extension Agent: FDBControl {
  package func setEntry(
    _ mac: MACAddress, vni: VNI, peer name: String, replacing: Bool
  ) throws(ControlError) -> FDBReport {
    try refuseWhenFollowed()
    let slot = try slot(of: vni)
    guard let peer = generation.slot(ofPeer: name) else {
      throw ControlError.unknown(peer: name)
    }
    guard topology.segments[slot].peers.contains(peer) else {
      throw ControlError(.badEntry, "peer \(name) does not have segment \(vni); name one that has")
    }
    guard mac.isValidSource else {
      throw ControlError(.badEntry, "\(mac) is nobody's address; write a unicast one, such as 02:00:00:00:00:01")
    }
    guard mac != topology.segments[slot].ownMAC else {
      throw ControlError(.badEntry, "\(mac) is the segment's own mac; write that of a station at the peer")
    }
    let outcome = topology.withFDB(ofSegment: slot) {
      $0.set(mac, at: .peer(peer), by: .command, now: seconds, replacing: replacing)
    }
    switch outcome {
    case .set: break
    case .refused(let entry):
      let there = report(of: entry, slot: slot, now: seconds)
      let place = there.peer.map { " at peer \($0)" } ?? ""
      throw ControlError(.exists, "\(mac) has a \(there.state.rawValue) entry\(place) already; use replace")
    case .refusedFull:
      throw ControlError(
        .tableFull, "segment \(vni) has \(Limits.pinnedEntryCountMax) static entries, and there can be no more")
    }
    return try entry(of: mac, slot: slot)
  }

  private func refuseWhenFollowed() throws(ControlError) {
    if hasSuccessor { throw ControlError(.busy, Self.followed.message) }
  }

  package func removeEntry(_ mac: MACAddress, vni: VNI) throws(ControlError) -> FDBReport {
    try refuseWhenFollowed()
    let slot = try slot(of: vni)
    guard let removed = topology.withFDB(ofSegment: slot, { $0.remove(mac) }) else { throw unknown(mac, slot) }
    return report(of: removed, slot: slot, now: seconds)
  }

  package func flushEntries(vni: VNI) throws(ControlError) -> FlushReport {
    try refuseWhenFollowed()
    let slot = try slot(of: vni)
    return FlushReport(vni: vni.rawValue, removed: topology.withFDB(ofSegment: slot) { $0.flush() })
  }

  package func explain(_ mac: MACAddress, vni: VNI) throws(ControlError) -> FDBExplanation {
    let slot = try slot(of: vni)
    let plan = topology.segments[slot]
    let entry = topology.withFDB(ofSegment: slot) { $0.entry(of: mac) }
    let peer = entry?.remote.peerSlot.flatMap { generation.peers.element(at: $0) }
    return FDBCircumstances(
      mac: mac, vni: vni, ownMAC: plan.ownMAC, entry: entry,
      peer: peer.map { FDBCircumstances.Peer(name: $0.name, address: $0.address.description) },
      floodNames: plan.peers.map { generation.peers[$0].name },
      ageingSeconds: Int(clamping: plan.ageingTime.components.seconds), learns: plan.learns,
      isFull: topology.withFDB(ofSegment: slot) { $0.isAtLimit() },
      snoopsMulticast: plan.snoopsMulticast, now: seconds
    ).explanation()
  }

  /// One entry as `vtep fdb -j` lists it.
  func report(of entry: FDBEntry, slot: Int, now: UInt32) -> FDBReport {
    let peer = entry.remote.peerSlot.flatMap { generation.peers.element(at: $0) }
    return FDBReport(
      mac: entry.mac.description, vni: topology.segments[slot].vni.rawValue, peer: peer?.name,
      address: peer?.address.description, state: FDBReport.State(entry.state),
      ageSeconds: Int(max(0, Int32(bitPattern: now &- entry.stamp))))
  }

  private var seconds: UInt32 { Instant(nanoseconds: Clock.now()).seconds }

  private func slot(of vni: VNI) throws(ControlError) -> Int {
    guard let slot = try slots(vni).first else { throw ControlError.unknown(vni) }
    return slot
  }

  private func entry(of mac: MACAddress, slot: Int) throws(ControlError) -> FDBReport {
    guard let entry = topology.withFDB(ofSegment: slot, { $0.entry(of: mac) }) else { throw unknown(mac, slot) }
    return report(of: entry, slot: slot, now: seconds)
  }

  private func unknown(_ mac: MACAddress, _ slot: Int) -> ControlError {
    ControlError.unknown(mac, vni: topology.segments[slot].vni)
  }
}
