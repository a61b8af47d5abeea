/// Our own bounds of one batch, each with its reason.
package enum Limits {
  /// Free bytes in front of every frame that was read, for the headers that encapsulation writes there.
  package static let headroomByteCount = 64
  /// Frames read from one TAP before the underlay gets its turn again.
  package static let framesPerBatch = 64
  /// The longest frame a TAP can hand over without offloads: the largest device MTU, the Ethernet header and two tags.
  package static let frameByteCountMax = 65_535 + 14 + 8
  /// Memory of one batch of frames: 64 full-size frames of an underlay of 9,000 bytes, or 9 of the longest.
  package static let frameBatchByteCount = 640 * 1024
  /// Datagrams taken by one receive call. More gained nothing measurable, fewer cost 10 % of a core.
  package static let datagramsPerBatch = 32
  /// The longest UDP payload, rounded up: no datagram is ever cut.
  package static let datagramByteCountMax = 65_536
  /// Datagrams in flight from one batch of frames to the sockets, flood copies among them. The batch is sent when full.
  package static let outgoingDatagramCountMax = 1024
  /// Socket buffers, in bytes. Smaller ones lose bursts while the agent is not scheduled.
  package static let socketBufferByteCount: Int32 = 8 << 20
}
