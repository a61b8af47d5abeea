import TestKit
import VXLAN

/// Everything that is read from an inner frame, each reader by itself.
///
///     bytes 0...1  the overlay MTU for what depends on one      then  the frame
final class InnerTarget: FuzzTarget {
  static let name = "inner"
  static let byteCountMax = 256

  static var seeds: [[UInt8]] {
    FuzzFrames.samples.flatMap { frame in [[0x02, 0x40] + frame, [0, 68] + frame] }
  }

  init() {}

  func run(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let overlayMTU = Int(input.word())
    let frame = Array(input.rest)
    neighbors(frame)
    guard let ethernet = EthernetHeader(parsing: frame.span) else {
      return require(InnerPacket(inFrame: frame.span) == nil, "a packet in a frame without header")
    }
    let packet = InnerPacket(inFrame: frame.span)
    let hash = FlowHash.hash(of: frame.span, ethernet: ethernet, packet: packet, with: KeyedHash(key0: 1, key1: 2))
    guard let packet else { return }
    if let transport = InnerTransport(of: packet, inFrame: frame.span) {
      require((packet.offset + 1...frame.count).contains(transport.offset), "\(transport) of \(frame.count) bytes")
    }
    if GroupMessage(of: packet, inFrame: frame.span) != nil {
      require(GroupMessage.isPossible(packet, inFrame: frame.span), "a group message that was not possible")
    }
    congestion(frame, ethernet, packet, hash)
    segmentSize(frame, packet, overlayMTU)
    tooBig(frame, packet, overlayMTU)
    fragments(frame, packet, overlayMTU)
  }

  private func neighbors(_ frame: [UInt8]) {
    if let message = ARPMessage(inFrame: frame.span) {
      let written = FuzzFrames.frame(ARPMessage.frameByteCount) { message.write(to: .broadcast, in: &$0) }
      require(written[14...] == frame[14..<42], "ARP says something else when written again")
    }
    if let message = NeighborDiscoveryMessage(inFrame: frame.span), message.linkLayerAddress != nil,
      !message.isSecured
    {
      let written = FuzzFrames.frame(NeighborDiscoveryMessage.frameByteCount) {
        message.write(to: .broadcast, from: .station(1), in: &$0)
      }
      require(NeighborDiscoveryMessage(inFrame: written.span) == message, "\(message) changes when written again")
    }
    if NeighborMessage(inFrame: frame.span) != nil, let ethernet = EthernetHeader(parsing: frame.span) {
      require(NeighborMessage.mayBe(in: frame.span, etherType: ethernet.etherType), "a message that could not be")
    }
  }

  /// Setting another ECN field and the old one again gives the frame back, and the flow stays the same.
  private func congestion(_ frame: [UInt8], _ ethernet: EthernetHeader, _ packet: InnerPacket, _ hash: UInt64) {
    var changed = frame
    for codepoint in [ECN(rawValue: 3), ECN(rawValue: packet.trafficClass & 3)].compactMap({ $0 }) {
      guard let current = InnerPacket(inFrame: changed.span) else { return require(false, "the packet is gone") }
      var span = changed.mutableSpan
      current.setECN(codepoint, inFrame: &span)
    }
    let after = FlowHash.hash(
      of: changed.span, ethernet: ethernet, packet: InnerPacket(inFrame: changed.span),
      with: KeyedHash(key0: 1, key1: 2))
    require(after == hash, "ECN moves the flow")
    // A checksum of 0xFFFF and one of 0 are the same number.
    let field = packet.offset + 10
    if packet.family == .ipv4 { changed.replaceSubrange(field..<field + 2, with: frame[field..<field + 2]) }
    require(changed == frame, "ECN does not go back")
  }

  private func segmentSize(_ frame: [UInt8], _ packet: InnerPacket, _ overlayMTU: Int) {
    var lowered = frame
    func lower() -> Bool {
      var span = lowered.mutableSpan
      return MSSClamp.lower(in: &span, packet: packet, overlayMTU: overlayMTU, isChecksumPartial: false)
    }
    let isLowered = lower()
    require(isLowered || lowered == frame, "a frame that is not lowered has changed")
    require(!isLowered || !lower(), "lowered twice")
  }

  private func tooBig(_ frame: [UInt8], _ packet: InnerPacket, _ overlayMTU: Int) {
    guard let ends = TooBigAnswer.Ends(of: frame.span, packet: packet),
      let answer = TooBigAnswer.frame(answering: frame.span, packet: packet, ends: ends, overlayMTU: overlayMTU)
    else { return }
    require(answer.count <= packet.offset + 1_280, "an answer of \(answer.count) bytes")
    guard let back = InnerPacket(inFrame: answer.span) else { return require(false, "an answer without a packet") }
    require(back.source(inFrame: answer.span) == ends.destination, "not from whom it was for")
    require(TooBigAnswer.Ends(of: answer.span, packet: back) == nil, "an answer that may be answered")
  }

  /// The pieces are within the MTU, and their payloads one behind the other are the packet's.
  private func fragments(_ frame: [UInt8], _ packet: InnerPacket, _ overlayMTU: Int) {
    guard let cut = IPv4Fragments(of: frame.span, packet: packet, overlayMTU: overlayMTU) else { return }
    let start = packet.offset
    var payload: [UInt8] = []
    for index in 0..<cut.count {
      var length = 0
      let piece = FuzzFrames.frame(cut.frameByteCountMax) { length = cut.write(index, of: frame.span, to: &$0) }
      require(length <= start + overlayMTU, "a piece of \(length - start) bytes for an MTU of \(overlayMTU)")
      let header = Int(piece[start] & 0x0F) * 4
      require(Checksum.isRight(piece.span.extracting(start..<start + header)), "piece \(index) has a wrong checksum")
      payload += piece[(start + header)..<length]
    }
    let first = start + Int(frame[start] & 0x0F) * 4
    let whole = start + (Int(frame[start + 2]) << 8 | Int(frame[start + 3]))
    require(payload == Array(frame[first..<whole]), "the pieces are not the packet")
  }
}
