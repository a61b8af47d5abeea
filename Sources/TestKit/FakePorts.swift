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
  /// Every frame, superframes as the frames that the kernel would make of them.
  package var written: [[UInt8]] = []
  /// Calls that wrote something.
  package private(set) var writeCount = 0
  /// What the TAP takes joined; nothing unless a test says so.
  package var mergeable = MergeableTraffic(mergesTCP: false, mergesUDP: false)
  /// What writing a superframe answers; 0 = it is written.
  package var superframeFailure: Int32 = 0
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
      let header = frames[index].header
      let failure = header.isSuperframe && superframeFailure != 0 ? superframeFailure : writeFailure
      frames.setFailure(failure, at: index)
      guard failure == 0 else { continue }
      writeCount += 1
      // SAFETY: the engine keeps the bytes until the call returns.
      var bytes: [UInt8] = []
      for vector in frames.vectors(at: index).dropFirst() {
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len))
      }
      written += ReferenceSegmentation.frames(of: bytes, header)
    }
  }

  package func refuseSuperframes(_ failure: Int32) {
    mergeable = MergeableTraffic(mergesTCP: false, mergesUDP: false)
  }
}

/// Sockets that are two lists: the datagrams that wait, and those that were sent.
package final class FakeDatagramPort: DatagramPort {
  /// A datagram from a peer.
  package struct Received {
    package var payload: [UInt8]
    package var source: IPAddress
    package var sourcePort: UInt16 = 0
    package var trafficClass: UInt8
    package var isFragmented: Bool
    /// When several datagrams were joined: the length of each but the last.
    package var datagramByteCount = 0

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
    /// Where it went when that was not the peer's address for plain datagrams.
    package var destination: Endpoint?
  }

  package var waiting: [Received] = []
  package var sent: [Sent] = []
  /// Calls that sent something.
  package private(set) var sendCount = 0
  /// What sending to a peer answers; peers that are not in it are reached.
  package var failures: [Int: Int32] = [:]
  /// Called before anything is sent.
  package var willSend: () -> Void = {}

  package init() {}

  package func receive(into batch: inout DatagramBatch) -> Int32 {
    batch.clear()
    // Taken out of the list once per batch: once per datagram would make long lists slow.
    var taken = 0
    while batch.hasRoom, taken < waiting.count {
      let datagram = waiting[taken]
      batch.append(
        datagram.payload, from: datagram.source, port: datagram.sourcePort, trafficClass: datagram.trafficClass,
        isFragmented: datagram.isFragmented, datagramByteCount: datagram.datagramByteCount)
      taken += 1
    }
    waiting.removeFirst(taken)
    return 0
  }

  package func send(_ runs: inout OutgoingRuns) {
    willSend()
    for index in 0..<runs.count {
      let run = runs[index]
      let failure = failures[run.key.peer] ?? 0
      runs.setResult(sentCount: failure == 0 ? run.datagramCount : 0, failure: failure, at: index)
      guard failure == 0 else { continue }
      sendCount += 1
      // SAFETY: the engine keeps the bytes until the call returns.
      let bytes = UnsafeBufferPointer(start: run.start, count: run.byteCount)
      for start in stride(from: 0, to: max(1, run.byteCount), by: max(1, run.datagramByteCount)) {
        sent.append(
          Sent(
            payload: Array(bytes[start..<min(run.byteCount, start + run.datagramByteCount)]), peer: run.key.peer,
            sourcePortIndex: run.key.sourcePortIndex, trafficClass: run.key.trafficClass,
            destination: run.destination?.pointee.endpoint))
      }
    }
  }
}
