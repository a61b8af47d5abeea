/// How many calls the frames of one worker took: what joining and cutting superframes saves, beside the frame counters.
///
/// Counted once a call, never once a frame.
package struct BatchCounters: Codable, Equatable, Sendable {
  /// Reads of TAPs that gave a frame or a superframe.
  package var tapReads: UInt64 = 0
  /// Runs of datagrams that were given to the kernel, each as one send unless it refuses runs.
  package var sends: UInt64 = 0
  /// Datagrams of these that went out, copies of flooded frames among them.
  package var datagramsSent: UInt64 = 0
  /// Buffers that the underlay's socket gave, each with a datagram or several joined.
  package var receives: UInt64 = 0
  /// Writes of a frame or a superframe into TAPs.
  package var tapWrites: UInt64 = 0

  /// All zero.
  package init() {}

  package static func + (a: BatchCounters, b: BatchCounters) -> BatchCounters {
    var sum = a
    sum.tapReads &+= b.tapReads
    sum.sends &+= b.sends
    sum.datagramsSent &+= b.datagramsSent
    sum.receives &+= b.receives
    sum.tapWrites &+= b.tapWrites
    return sum
  }

  // HOT
  mutating func noteSend(datagramCount: Int) {
    sends &+= 1
    datagramsSent &+= UInt64(truncatingIfNeeded: datagramCount)
  }
}
