import CAllocationCount
import Dataplane
import Glibc
import LinuxIO
import TestKit

/// The simulation's TAP, which says how often it allocated itself: a list of frames cannot do without.
final class CountedFramePort: FramePort {
  let port = FakeFramePort()
  /// Allocations of the port, which are not the engine's.
  private(set) var allocationCount: UInt64 = 0

  func receive(into batch: inout FrameBatch) -> Int32 {
    let before = allocation_count()
    let failure = port.receive(into: &batch)
    allocationCount += allocation_count() - before
    return failure
  }

  func send(_ frames: inout OutgoingFrames, _ range: Range<Int>) {
    let before = allocation_count()
    port.send(&frames, range)
    allocationCount += allocation_count() - before
  }

  var mergeable: MergeableTraffic { port.mergeable }
  func refuseSuperframes(_ failure: Int32) { port.refuseSuperframes(failure) }
}

/// The simulation's sockets, which say how often they allocated themselves.
final class CountedDatagramPort: DatagramPort {
  let port = FakeDatagramPort()
  /// Allocations of the port, which are not the engine's.
  private(set) var allocationCount: UInt64 = 0
  /// Allocations in each call of `send` that it does not own up to: what one of the engine would look like.
  var hiddenAllocationCount = 0
  /// Calls of `send`.
  private(set) var batchCount: UInt64 = 0
  /// Kept, or the compiler would see that nobody looks at it and leave it out.
  private var hidden: UnsafeMutableRawPointer?

  deinit { free(hidden) }

  func receive(into batch: inout DatagramBatch) -> Int32 {
    let before = allocation_count()
    let failure = port.receive(into: &batch)
    allocationCount += allocation_count() - before
    return failure
  }

  func send(_ runs: inout OutgoingRuns) {
    let before = allocation_count()
    port.send(&runs)
    allocationCount += allocation_count() - before
    batchCount += 1
    for _ in 0..<hiddenAllocationCount {
      free(hidden)
      hidden = malloc(64)
    }
  }
}
