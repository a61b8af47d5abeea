import Glibc
import LinuxIO

/// The sealed port of an engine without sealed segments: nothing comes, nothing goes.
final class ClosedPort: DatagramPort {
  func receive(into batch: inout DatagramBatch) -> Int32 {
    batch.clear()
    return 0
  }

  func send(_ runs: inout OutgoingRuns) {
    for index in 0..<runs.count { runs.setResult(sentCount: 0, failure: ENOTCONN, at: index) }
  }
}

/// The port of a slot without a segment: nothing comes, nothing goes.
final class ClosedFramePort: FramePort, Sendable {
  static let shared = ClosedFramePort()

  func receive(into batch: inout FrameBatch) -> Int32 { 0 }

  func send(_ frames: inout OutgoingFrames, _ range: Range<Int>) {
    for index in range { frames.setFailure(ENODEV, at: index) }
  }

  var mergeable: MergeableTraffic { MergeableTraffic(mergesTCP: false, mergesUDP: false) }

  func refuseSuperframes(_ failure: Int32) {}
}
