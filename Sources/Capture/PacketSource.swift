/// Where packets come from: a file, an interface, a running agent.
package protocol PacketSource: AnyObject {
  var linkType: LinkType { get }
  /// The bytes of a packet that are kept at most; 0: that is not known.
  var snapshotByteCount: Int { get }

  /// Waits for the next packet.
  /// - Throws: where nothing more can be read.
  func step() throws(CaptureError) -> PacketStep
}

/// What a source answers.
package enum PacketStep {
  /// Valid until the source is asked again.
  case packet(CapturedPacket)
  /// Nothing is there yet: what was gathered may be written. The next question waits.
  case idle
  case end
}
