import LinuxIO

/// The overlay side of an engine: where frames of one segment come from and go to. Called once per batch, so dynamic
/// dispatch costs little. Belongs to the engine's thread.
package protocol FramePort: AnyObject {
  /// Reads waiting frames behind those that are in `batch`, until none waits or the batch is full.
  /// - Returns: 0, or the `errno` of a failure other than finding nothing.
  func receive(into batch: inout FrameBatch) -> Int32
  /// Writes the frames in `range`, in order, and notes in each what came of it.
  func send(_ frames: inout OutgoingFrames, _ range: Range<Int>)
}

/// The underlay side of an engine. Called once per batch. Belongs to the engine's thread.
package protocol DatagramPort: AnyObject {
  /// Replaces what is in `batch` by the datagrams that wait.
  /// - Returns: 0, or the `errno` of a failure other than finding nothing.
  func receive(into batch: inout DatagramBatch) -> Int32
  /// Sends the datagrams, in order, and notes in each what came of it.
  func send(_ datagrams: inout OutgoingDatagrams)
}

extension TAPDevice: FramePort {}
extension UDPUnderlay: DatagramPort {}
