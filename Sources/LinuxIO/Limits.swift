/// Our own bounds of one batch, each with its reason.
package enum Limits {
  /// Frames of a batch begin at multiples of it.
  static let cacheLineByteCount = 64
  /// Frames read from one TAP before the underlay gets its turn again.
  package static let framesPerBatch = 64
  /// The longest frame a TAP can hand over: a superframe of 65,535 bytes behind Ethernet header and tags, rounded
  /// up.
  package static let frameByteCountMax = 65_535 + 65
  /// A batch of frames ends with the one that brings it to so many bytes: what fills one send. A second superframe
  /// would be read into memory that leaves the second-level cache before it is sent.
  package static let frameBatchByteCountEnough = 60_000
  /// Memory of one batch: the bytes of all frames but the last, what headers and rounding up add to each, and the last.
  package static let frameBatchByteCount =
    frameBatchByteCountEnough + (framesPerBatch + 1) * 2 * cacheLineByteCount + frameByteCountMax
  /// Buffers filled by one receive call, each with up to 64 datagrams of one flow (UDP_GRO). Eight gained 10 to 15 % of
  /// processor time over one.
  package static let datagramsPerBatch = 8
  /// Frames from one batch on their way to TAPs, each alone or in a superframe: 64 from each buffer.
  package static let deliveryCountMax = datagramsPerBatch * 64
  /// The longest UDP payload, rounded up: no datagram is ever cut.
  package static let datagramByteCountMax = 65_536
  /// Runs gathered before they are sent, flood copies among them.
  package static let outgoingRunCountMax = 1024
  /// Memory of the datagrams gathered before they are sent: a superframe's, and room for another's.
  package static let outgoingByteCount = 192 * 1024
  /// What one UDP_SEGMENT send carries: UDP_MAX_SEGMENTS of older kernels, and the longest UDP payload over IPv4.
  package static let datagramsPerRun = 64
  package static let runByteCountMax = 65_507
  /// Slots that peers may have.
  static let destinationCount = 8192
  /// Socket buffers, in bytes. Smaller ones lose bursts while the agent is not scheduled.
  package static let socketBufferByteCount: Int32 = 8 << 20
}
