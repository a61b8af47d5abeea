import LinuxIO

/// The overlay side of an engine: where frames of one segment come from and go to. Called once per batch, so dynamic
/// dispatch costs little. Belongs to the engine's thread.
package protocol FramePort: AnyObject {
  /// Reads waiting frames behind those that are in `batch`, until none waits or the batch is full.
  /// - Returns: 0, or the `errno` of a failure other than finding nothing.
  func receive(into batch: inout FrameBatch) -> Int32
  /// Writes the frames in `range`, in order, and notes in each what came of it.
  func send(_ frames: inout OutgoingFrames, _ range: Range<Int>)
  /// What may be written as superframes.
  var mergeable: MergeableTraffic { get }
  /// A superframe was refused with this `errno`: none is to be written any more.
  func refuseSuperframes(_ failure: Int32)
}

/// Which frames a TAP takes joined to superframes.
package struct MergeableTraffic: Equatable, Sendable {
  /// Any at all, TCP first.
  package var mergesTCP: Bool
  /// UDP too.
  package var mergesUDP: Bool

  package init(mergesTCP: Bool, mergesUDP: Bool) {
    self.mergesTCP = mergesTCP
    self.mergesUDP = mergesUDP
  }
}

/// The underlay side of an engine. Called once per batch. Belongs to the engine's thread.
package protocol DatagramPort: AnyObject {
  /// Replaces what is in `batch` by the datagrams that wait.
  /// - Returns: 0, or the `errno` of a failure other than finding nothing.
  func receive(into batch: inout DatagramBatch) -> Int32
  /// Sends the runs, in order, and notes in each what came of it.
  func send(_ runs: inout OutgoingRuns)
}

extension TAPQueue: FramePort {
  package var mergeable: MergeableTraffic {
    MergeableTraffic(mergesTCP: offloads.writing.isOn, mergesUDP: offloads.writing.isOn && offloads.readingUDP.isOn)
  }

  package func refuseSuperframes(_ failure: Int32) { offloads.writing.refuse(failure) }
}
extension UDPUnderlay: DatagramPort {}
