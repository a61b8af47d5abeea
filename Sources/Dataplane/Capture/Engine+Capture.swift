import Forwarding
import LinuxIO
import Sealing
import VXLAN

// What captures have of a batch. Frames and datagrams are recorded before the batch is looked at, what they are written
// into a TAP or sent as, after; and what ends meanwhile is marked in its record, or gets one.
//
//   frames from a TAP    recorded when the batch begins, as the station sent them; marked when they end. What ends
//                        after it was encrypted or cut into segments gets a record of its own, marked as repeated
//   frames from peers    recorded when they are written, joined as they are; when they end before that, there
//   datagrams            received: when the batch begins, one by one; marked when they end. Sent: with what came of it
//
// COLD, all of it: while nobody captures a batch looks once.

extension Engine {
  /// Begins a capture; between two steps, as the next two. The worker keeps the ring until it is removed.
  package mutating func beginCapture(into ring: CaptureRing, _ filter: CaptureFilter) {
    captures.add(ring, filter)
    beginDrops()
  }

  package mutating func changeCapture(into ring: CaptureRing, _ filter: CaptureFilter) {
    captures.change(ring, filter)
  }

  package mutating func endCapture(into ring: CaptureRing) {
    captures.remove(ring)
    beginDrops()
  }

  /// Frames were read from the TAP of a segment.
  @inline(never)
  mutating func captureFrames(segment: Int) {
    captures.begin(now: batchTime.nanoseconds)
    guard captures.wantsInner else { return }
    for index in 0..<frames.count {
      let frame = frames[index]
      var record = record(.inner, .overlay, segment: segment, byteCount: frame.byteCount)
      // SAFETY: the batch keeps the frame's bytes until it is cleared.
      let bytes = Span<UInt8>(_unsafeStart: frame.start, count: frame.byteCount)
      record.note(frame.offload)
      if frame.offload.isSuperframe, let superframe = Superframe(frame, packet: InnerPacket(inFrame: bytes)) {
        record.frameCount = UInt16(truncatingIfNeeded: superframe.segmentCount)
      }
      let peer = EthernetHeader(parsing: bytes).flatMap { ethernet in
        ethernet.destination.isMulticast ? nil : topology.tables[segment].remote(of: ethernet.destination)
      }
      record.peer = Int32(truncatingIfNeeded: peer?.peerSlot ?? -1)
      keep(record, frame.start, isPending: true)
    }
  }

  /// Datagrams were received.
  @inline(never)
  mutating func captureReceived(isSealed: Bool) {
    captures.begin(now: batchTime.nanoseconds, isSealed: isSealed)
    guard captures.wantsOuter else { return }
    for index in 0..<received.count {
      let buffer = received[index]
      var offset = 0
      repeat {
        let byteCount = min(buffer.byteCount &- offset, buffer.datagramByteCount)
        let record = record(of: buffer, at: offset, byteCount, isSealed: isSealed)
        keep(record, buffer.start + offset, isPending: true)
        offset &+= buffer.datagramByteCount
      } while offset < buffer.byteCount
    }
  }

  /// Frames were written into TAPs. Those of a superframe that the kernel refused are there one by one already.
  @inline(never)
  mutating func captureDeliveries() {
    for index in 0..<deliveries.count {
      let write = deliveries[index]
      if Self.isRefusedSuperframe(write) { continue }
      captures.keep(captured(write), deliveries, at: index)
    }
  }

  /// The record of a write, after it was made.
  func captured(_ write: OutgoingFrames.Write) -> CaptureRecord {
    let headersAgain = (write.frameCount &- 1) &* Int(write.header.headerByteCount)
    var record = record(
      .inner, .underlay, segment: write.segment, byteCount: max(0, write.byteCount &- headersAgain))
    record.note(write.header)
    record.frameCount = UInt16(truncatingIfNeeded: write.frameCount)
    record.peer = Int32(truncatingIfNeeded: write.peer)
    if write.failure != 0 { record.reason = Self.dropReason(ofWrite: write.failure).rawValue }
    return record
  }

  /// A run was sent, or was not.
  @inline(never)
  mutating func captureSent(_ run: OutgoingRuns.Run) {
    guard captures.wantsOuter, run.key.peer >= 0 else { return }
    let sentByteCount = min(run.byteCount, run.sentCount &* run.datagramByteCount)
    if run.sentCount > 0 { keep(record(of: run, run.sentCount, sentByteCount, reason: nil), run.start) }
    guard run.sentCount < run.datagramCount else { return }
    let reason = Self.dropReason(ofSend: run.failure)
    let rest = record(of: run, run.datagramCount &- run.sentCount, run.byteCount &- sentByteCount, reason: reason)
    keep(rest, run.start + sentByteCount)
  }
}

// What ends.
extension Engine {
  /// Where a frame or datagram from the underlay lies that ended.
  struct Ended {
    /// Of the datagram; nil where it is not known.
    var datagram: UnsafeMutablePointer<UInt8>?
    var byteCount = 0
    /// Of these, those that are as they came.
    var intactByteCount = 0

    init() {}

    /// One that was to be opened where it lies: its header is as it came.
    init(opened slot: Opener.Slot) {
      self.init(
        slot.datagram.assumingMemoryBound(to: UInt8.self), slot.byteCount, intact: SealedHeader.byteCount)
    }

    init(_ datagram: UnsafeMutablePointer<UInt8>, _ byteCount: Int, intact: Int? = nil) {
      self.datagram = datagram
      self.byteCount = byteCount
      intactByteCount = min(byteCount, intact ?? byteCount)
    }
  }

  /// A frame from a TAP that was recorded has ended.
  @inline(never)
  mutating func captureEnd(_ frame: UnsafeMutablePointer<UInt8>, _ reason: DropReason) {
    captures.mark(frame, reason, inOuter: false)
  }

  /// What came from the underlay has ended before it was written anywhere.
  /// - Parameters:
  ///   - frame: in clear, of `byteCount` bytes, where there is one.
  ///   - isConsumed: it was taken note of; then `reason` is nil.
  @inline(never)
  mutating func captureEnd(
    _ reason: DropReason?, segment: Int, peer: Int, frame: UnsafeMutablePointer<UInt8>?, byteCount: Int,
    _ ended: Ended
  ) {
    if let reason, let place = frame ?? ended.datagram { captures.mark(place, reason, inOuter: true) }
    guard captures.wantsInner else { return }
    if let frame {
      var record = record(.inner, .underlay, segment: segment, byteCount: byteCount)
      record.peer = Int32(truncatingIfNeeded: peer)
      record.reason = reason?.rawValue ?? CaptureRecord.noReason
      if reason == nil { record.marks.insert(.isConsumed) }
      return keep(record, frame)
    }
    // What has no frame that could be shown is shown as the datagram that it is.
    guard let datagram = ended.datagram else { return }
    var record = record(ofBufferAt: datagram, ended.byteCount)
    record.reason = reason?.rawValue ?? CaptureRecord.noReason
    if peer >= 0 { record.peer = Int32(truncatingIfNeeded: peer) }
    captures.keep(record, toOuter: false, datagram, ended.intactByteCount) { $0 == Int(record.peer) }
  }

  /// The datagrams of a run from `first` on will not be sent; their frames were recorded when they came.
  @inline(never)
  mutating func captureEnd(_ run: OutgoingRuns.Run, from first: Int, _ reason: DropReason) {
    guard captures.wantsInner else { return }
    let topologyRecord = topology.records + run.key.segment
    for index in first..<max(first, run.datagramCount) {
      let offset = index &* run.datagramByteCount
      let datagramByteCount = min(run.datagramByteCount, run.byteCount &- offset)
      let byteCount = max(0, datagramByteCount &- topologyRecord.pointee.addedByteCount)
      // What has a way of its own was encrypted where it lies.
      let isInClear = !topologyRecord.pointee.isSealed || run.destination == nil
      captureRepeated(
        isInClear ? run.start + offset + topologyRecord.pointee.headerByteCount : nil, byteCount, run.key, reason)
    }
  }

  /// A frame that has waited ends; it was recorded when it came.
  mutating func captureEnd(_ frame: WaitingFrames.Frame, _ reason: DropReason) {
    var bytes = frame.content.bytes
    bytes.withUnsafeMutableBufferPointer { bytes in
      // SAFETY: copied before the closure ends.
      captureRepeated(bytes.baseAddress, bytes.count, frame.key, reason)
    }
  }

  private mutating func captureRepeated(
    _ frame: UnsafeMutablePointer<UInt8>?, _ byteCount: Int, _ key: OutgoingRuns.Key, _ reason: DropReason
  ) {
    guard captures.wantsInner else { return }
    var record = record(.inner, .overlay, segment: key.segment, byteCount: byteCount)
    record.peer = Int32(truncatingIfNeeded: key.peer)
    record.reason = reason.rawValue
    record.marks.insert(.isRepeated)
    keep(record, frame)
  }

  private mutating func keep(
    _ record: CaptureRecord, _ bytes: UnsafeMutablePointer<UInt8>?, isPending: Bool = false
  ) {
    let (peer, vni, topology) = (Int(record.peer), record.vni, topology)
    captures.keep(
      record, toOuter: record.kind == .outer, bytes, Int(record.byteCount), isPending: isPending
    ) { slot in
      if peer >= 0 || record.kind == .outer { return slot == peer }
      // What goes to many goes to each of them.
      let segment = topology.segmentByVNI.slot(high: 0, low: UInt64(vni))
      return segment >= 0 && topology.isPermitted(peer: slot, segment: segment)
    }
  }
}

// Records.
extension Engine {
  private func record(
    _ kind: CaptureRecord.Kind, _ direction: Direction, segment: Int, byteCount: Int
  ) -> CaptureRecord {
    var record = CaptureRecord(kind, direction: UInt8(direction.rawValue), byteCount: byteCount)
    record.time = captures.time
    if segment >= 0 { record.vni = topology.records[segment].vniWord >> 8 }
    return record
  }

  /// A datagram within a buffer of the batch.
  private func record(
    of buffer: DatagramBatch.Datagram, at offset: Int, _ byteCount: Int, isSealed: Bool
  ) -> CaptureRecord {
    var record = record(.outer, .underlay, segment: Counters.noSegment, byteCount: byteCount)
    let key = Topology.key(buffer.source)
    record.peer = Int32(truncatingIfNeeded: topology.peerByAddress.slot(high: key.high, low: key.low))
    record.remote = buffer.source
    record.remotePort = buffer.sourcePort
    record.trafficClass = buffer.trafficClass
    if isSealed { record.marks.insert(.isSealed) }
    record.noteVNI(of: buffer.start + offset, byteCount)
    return record
  }

  /// A datagram that begins at `start`, in whichever buffer of the batch that is.
  private func record(ofBufferAt start: UnsafeMutablePointer<UInt8>, _ byteCount: Int) -> CaptureRecord {
    for index in 0..<received.count {
      let buffer = received[index]
      guard start >= buffer.start, start - buffer.start < max(1, buffer.byteCount) else { continue }
      return record(of: buffer, at: start - buffer.start, byteCount, isSealed: captures.isSealedBatch)
    }
    return record(.outer, .underlay, segment: Counters.noSegment, byteCount: byteCount)
  }

  /// Datagrams of a run.
  private func record(
    of run: OutgoingRuns.Run, _ count: Int, _ byteCount: Int, reason: DropReason?
  ) -> CaptureRecord {
    var record = record(.outer, .overlay, segment: run.key.segment, byteCount: byteCount)
    record.peer = Int32(truncatingIfNeeded: run.key.peer)
    record.frameCount = UInt16(truncatingIfNeeded: count)
    if count > 1 { record.gsoByteCount = UInt16(truncatingIfNeeded: run.datagramByteCount) }
    record.reason = reason?.rawValue ?? CaptureRecord.noReason
    record.trafficClass = run.key.trafficClass
    record.localPortIndex = UInt16(truncatingIfNeeded: run.key.sourcePortIndex)
    if topology.records[run.key.segment].isSealed { record.marks.insert(.isSealed) }
    let endpoint = run.destination?.pointee.endpoint ?? topology.peers.element(at: run.key.peer)?.endpoint
    if let endpoint { (record.remote, record.remotePort) = (endpoint.address, endpoint.udpPort) }
    return record
  }
}

extension CaptureRecord {
  /// What the kernel has left to do, or to the kernel.
  fileprivate mutating func note(_ offload: VirtioNetHeader) {
    gsoByteCount = offload.isSuperframe ? offload.gsoByteCount : 0
    guard offload.wantsChecksum else { return }
    marks.insert(.hasPartialChecksum)
    checksumStart = offload.checksumStart
    checksumOffset = offload.checksumOffset
  }

  /// The VNI that the header of a datagram states, if it is one of a frame.
  // SAFETY: nothing is read of fewer bytes than the header has.
  fileprivate mutating func noteVNI(of datagram: UnsafeMutablePointer<UInt8>, _ byteCount: Int) {
    guard byteCount >= VXLANHeader.byteCount, datagram[0] & 0x08 != 0, datagram[0] & 1 == 0 else { return }
    vni = datagram.bigEndian32(at: 4) >> 8
  }
}
