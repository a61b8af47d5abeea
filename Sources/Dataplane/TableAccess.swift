import Forwarding
import LinuxIO
import VXLAN

extension Engine {
  // HOT
  /// Has the processor fetch what the table of the segment knows of the addresses of all frames of the batch: what a
  /// table holds that is larger than the caches comes from memory, and so it comes at once.
  func fetchEntries(segment: Int) {
    for index in 0..<frames.count {
      let frame = frames[index]
      // SAFETY: the batch keeps the frame's bytes until it is cleared.
      let bytes = Span<UInt8>(_unsafeStart: frame.start, count: frame.byteCount)
      guard let ethernet = EthernetHeader(parsing: bytes) else { continue }
      _ = topology.tables[segment].prefetch(ethernet.source)
      if !ethernet.destination.isMulticast { _ = topology.tables[segment].prefetch(ethernet.destination) }
    }
  }

  // COLD
  /// Tells of what became of an address that is not what the table knew of it.
  @inline(never)
  func tell(
    _ outcome: LearnOutcome, of mac: MACAddress, from remote: Remote, segment: Int, now: Instant
  ) {
    let kind: OverlayEvent.Kind
    switch outcome {
    case .flapping: kind = .flapping
    case .learned where topology.events.wantsAll: kind = .learned
    case .moved where topology.events.wantsAll: kind = .moved
    case .known, .learned, .moved, .refusedFrozen, .refusedControl, .refusedStatic, .refusedFull: return
    }
    topology.events.note(OverlayEvent(kind, mac: mac, segment: segment, peer: remote.peerSlot, time: now))
  }
}
