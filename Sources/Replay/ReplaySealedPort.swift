import Dataplane
import LinuxIO
import Sealing
import VXLAN

/// A sealed port without a kernel: every batch has the same frames, sealed anew since no datagram opens twice, and what
/// is sent is gone.
///
/// Sealing is not what is measured: how long it took is told.
package final class ReplaySealedPort: DatagramPort {
  /// By buffer, the frames behind each other, all of one length.
  private let buffers: [[UInt8]]
  private let frameByteCount: Int
  private let key: SealingKey
  private let prefix: UInt64
  private let source: IPAddress
  private var isFilled = false
  /// Nanoseconds that sealing took so far.
  package private(set) var preparationTime: UInt64 = 0

  init(_ buffers: [[UInt8]], frameByteCount: Int, key: SealingKey, vni: VNI, from source: IPAddress) {
    self.buffers = buffers
    self.frameByteCount = frameByteCount
    self.key = key
    self.source = source
    prefix = SealedHeader.prefix(kind: .frame, vni: vni)
  }

  package func receive(into batch: inout DatagramBatch) -> Int32 {
    let start = Clock.now()
    let sealer = key.sealer(lane: 0)
    let datagramByteCount = frameByteCount + sealer.overheadByteCount
    if !isFilled {
      for buffer in buffers where batch.hasRoom {
        let byteCount = buffer.count / frameByteCount * datagramByteCount
        batch.append([UInt8](repeating: 0, count: byteCount), from: source, datagramByteCount: datagramByteCount)
      }
      isFilled = true
    }
    for index in 0..<batch.count { seal(buffers[index], sealer, into: batch[index]) }
    preparationTime &+= Clock.now() &- start
    return 0
  }

  private func seal(_ frames: [UInt8], _ sealer: Sealer, into buffer: DatagramBatch.Datagram) {
    frames.withUnsafeBytes { bytes in
      guard let first = bytes.baseAddress else { return }
      // SAFETY: the buffer was made for as many datagrams as there are frames.
      for number in 0..<(bytes.count / frameByteCount) {
        let byteCount = sealer.seal(
          first + number * frameByteCount, byteCount: frameByteCount, prefix: prefix,
          into: UnsafeMutableRawPointer(buffer.start + number * buffer.datagramByteCount))
        precondition(byteCount == buffer.datagramByteCount, "no counter is left")
      }
    }
  }

  /// All of them went out.
  package func send(_ runs: inout OutgoingRuns) {
    for index in 0..<runs.count { runs.setResult(sentCount: runs[index].datagramCount, failure: 0, at: index) }
  }
}
