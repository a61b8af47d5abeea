/// What a TAP device's kernel does for the agent: one state for all queues, since the kernel has one for the device.
///
/// *Threads.* Any.
package final class TAPOffloads: Sendable {
  /// The kernel hands over TCP superframes and unfinished checksums.
  package let reading: OffloadState
  /// The kernel hands over UDP superframes, and takes them.
  package let readingUDP: OffloadState
  /// The kernel takes TCP superframes.
  package let writing: OffloadState
  /// The kernel keeps each flow in the queue whose number its socket on the underlay has. Off with one queue.
  package let steering: OffloadState

  init(usesSuperframes: Bool, usesSteering: Bool) {
    reading = OffloadState(isWanted: usesSuperframes)
    readingUDP = OffloadState(isWanted: usesSuperframes)
    writing = OffloadState(isWanted: usesSuperframes)
    steering = OffloadState(isWanted: usesSteering)
  }
}
