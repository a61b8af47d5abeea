import Dataplane
import Glibc
import LinuxIO
import Synchronization
import TestKit
import Testing
import VXLAN

/// Both ends do not block.
func makePipe() -> (readEnd: Int32, writeEnd: Int32) {
  var ends: [Int32] = [0, 0]
  precondition(pipe(&ends) == 0)
  for end in ends { precondition(fcntl(end, F_SETFL, O_NONBLOCK) == 0) }
  return (ends[0], ends[1])
}

/// A port over a pipe's read end: each byte is a frame of 60 bytes.
final class PipePort: FramePort, @unchecked Sendable {
  let readEnd: Int32
  let writeEnd: Int32
  let failure = Atomic<Int32>(0)

  init() {
    (readEnd, writeEnd) = makePipe()
  }

  deinit {
    _ = close(readEnd)
    _ = close(writeEnd)
  }

  func offer(_ count: Int) {
    let bytes = [UInt8](repeating: 0, count: count)
    #expect(write(writeEnd, bytes, count) == count)
  }

  func receive(into batch: inout FrameBatch) -> Int32 {
    if failure.load(ordering: .acquiring) != 0 { return failure.load(ordering: .acquiring) }
    let frame = Frames.ethernet(to: .broadcast, from: .station(1), payload: [UInt8](repeating: 0, count: 46))
    var byte: UInt8 = 0
    while batch.hasRoom, read(readEnd, &byte, 1) == 1 {
      batch.nextStart().update(from: frame, count: frame.count)
      batch.append(byteCount: frame.count, offload: VirtioNetHeader())
    }
    return 0
  }

  func send(_ frames: inout OutgoingFrames, _ range: Range<Int>) {}
  var mergeable: MergeableTraffic { MergeableTraffic(mergesTCP: false, mergesUDP: false) }
  func refuseSuperframes(_ failure: Int32) {}
}
