import Dataplane
import LinuxIO
import VXLAN

/// Sockets without a kernel: every batch is full of the same datagrams, and what is sent is gone.
///
/// The buffers are filled once. Joining makes the first headers of a run stand for all of it, so `refreshedByteCount`
/// bytes at the start of every datagram are written again for each batch.
package final class ReplayDatagramPort: DatagramPort {
  private let payloads: [[UInt8]]
  private let source: IPAddress
  private let datagramByteCount: Int
  private let refreshedByteCount: Int
  private var isFilled = false

  /// - Parameter datagramByteCount: when the payloads are datagrams that the kernel joined: of each but the last.
  package init(_ payloads: [[UInt8]], from source: IPAddress, datagramByteCount: Int = 0, refreshedByteCount: Int = 0) {
    self.payloads = payloads
    self.source = source
    self.datagramByteCount = datagramByteCount
    self.refreshedByteCount = refreshedByteCount
  }

  package func receive(into batch: inout DatagramBatch) -> Int32 {
    guard !isFilled else {
      refresh(batch)
      return 0
    }
    for payload in payloads where batch.hasRoom {
      batch.append(payload, from: source, datagramByteCount: datagramByteCount)
    }
    isFilled = true
    return 0
  }

  private func refresh(_ batch: borrowing DatagramBatch) {
    guard refreshedByteCount > 0 else { return }
    for index in 0..<batch.count {
      let buffer = batch[index]
      payloads[index].withUnsafeBufferPointer { original in
        guard let from = original.baseAddress else { return }
        // SAFETY: the buffer holds as many bytes as the payload that it was filled from.
        var offset = 0
        while offset + refreshedByteCount <= buffer.byteCount {
          (buffer.start + offset).update(from: from + offset, count: refreshedByteCount)
          offset += buffer.datagramByteCount
        }
      }
    }
  }

  /// All of them went out.
  package func send(_ runs: inout OutgoingRuns) {
    for index in 0..<runs.count { runs.setResult(sentCount: runs[index].datagramCount, failure: 0, at: index) }
  }
}
