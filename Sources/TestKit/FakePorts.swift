import Dataplane
import Glibc
import LinuxIO
import VXLAN

/// A TAP that is two lists: what it will hand over, and what was written to it.
package final class FakeFramePort: FramePort {
  /// Handed over in order by `receive`.
  package var waiting: [[UInt8]] = []
  /// Handed over in front of `waiting[0]`.
  package var offload = VirtioNetHeader()
  package var written: [[UInt8]] = []
  /// What every write answers; 0 = it is written.
  package var writeFailure: Int32 = 0
  /// What `receive` answers when nothing waits; 0 = nothing is wrong.
  package var receiveFailure: Int32 = 0

  package init() {}

  package func receive(into batch: inout FrameBatch) -> Int32 {
    // Taken out of the list once per batch: once per frame would make long lists slow.
    var taken = 0
    while batch.hasRoom, taken < waiting.count {
      // As a read into a buffer of that size would cut it.
      let byteCount = min(waiting[taken].count, Limits.frameByteCountMax)
      batch.nextStart().update(from: waiting[taken], count: byteCount)
      batch.append(byteCount: byteCount, offload: offload)
      taken += 1
    }
    waiting.removeFirst(taken)
    return batch.count == 0 ? receiveFailure : 0
  }

  package func send(_ frames: inout OutgoingFrames, _ range: Range<Int>) {
    for index in range {
      let frame = frames[index]
      frames.setFailure(writeFailure, at: index)
      guard writeFailure == 0 else { continue }
      // SAFETY: the engine keeps the bytes until the call returns.
      written.append(Array(UnsafeBufferPointer(start: frame.start, count: frame.byteCount)))
    }
  }
}

/// Sockets that are two lists: the datagrams that wait, and those that were sent.
package final class FakeDatagramPort: DatagramPort {
  /// A datagram from a peer.
  package struct Received {
    package var payload: [UInt8]
    package var source: IPAddress
    package var trafficClass: UInt8
    package var isFragmented: Bool

    package init(_ payload: [UInt8], from source: IPAddress, trafficClass: UInt8 = 0, isFragmented: Bool = false) {
      self.payload = payload
      self.source = source
      self.trafficClass = trafficClass
      self.isFragmented = isFragmented
    }
  }

  /// A datagram to a peer.
  package struct Sent: Equatable {
    package var payload: [UInt8]
    package var peer: Int
    package var sourcePortIndex: Int
    package var trafficClass: UInt8
  }

  package var waiting: [Received] = []
  package var sent: [Sent] = []
  /// What sending to a peer answers; peers that are not in it are reached.
  package var failures: [Int: Int32] = [:]

  package init() {}

  package func receive(into batch: inout DatagramBatch) -> Int32 {
    batch.clear()
    // Taken out of the list once per batch: once per datagram would make long lists slow.
    var taken = 0
    while batch.hasRoom, taken < waiting.count {
      let datagram = waiting[taken]
      batch.append(
        datagram.payload, from: datagram.source, trafficClass: datagram.trafficClass,
        isFragmented: datagram.isFragmented)
      taken += 1
    }
    waiting.removeFirst(taken)
    return 0
  }

  package func send(_ datagrams: inout OutgoingDatagrams) {
    for index in 0..<datagrams.count {
      let datagram = datagrams[index]
      let failure = failures[datagram.peer] ?? 0
      datagrams.setFailure(failure, at: index)
      guard failure == 0 else { continue }
      sent.append(
        Sent(
          payload: Array(UnsafeBufferPointer(start: datagram.start, count: datagram.byteCount)),
          peer: datagram.peer, sourcePortIndex: datagram.sourcePortIndex, trafficClass: datagram.trafficClass))
    }
  }
}
