import Sealing
import VXLAN

// The rules about sealed datagrams.
extension Judge {
  mutating func judgeSealed(_ piece: Piece, _ datagram: Span<UInt8>, _ way: Way) {
    guard piece.statedByteCount > SizeOfSealing.byteCountMin - 1 else {
      return report(.sealedFraming) {
        "\(piece.statedByteCount) bytes, \(SizeOfSealing.byteCountMin) needed for header and tag"
      }
    }
    guard datagram.count >= SealedHeader.byteCount else { return counts.cutCount &+= 1 }
    guard let header = SealedHeader(parsing: datagram) else { return judgeFraming(datagram) }
    switch header.kind {
    case .handshake: judgeHandshake(header, piece, datagram, way)
    case .control:
      judgeNonce(header.word, piece, datagram, way)
      _ = open(datagram, piece)
    case .frame: judgeSealedFrame(header, piece, datagram, way)
    }
  }

  /// A header that no receiver takes.
  private mutating func judgeFraming(_ datagram: Span<UInt8>) {
    let (framing, vniWord) = (datagram.bigEndian32(at: 0), datagram.bigEndian32(at: 4))
    let isMessage = framing == 0x0D00_00FE || framing == 0x0D00_00FF
    if isMessage, vniWord & 0xFF == 0 {
      report(.controlWithVNI) { "VNI \(vniWord >> 8)" }
    } else {
      report(.sealedFraming) { "header \(String(framing, radix: 16)) \(String(vniWord, radix: 16))" }
    }
  }

  private mutating func judgeHandshake(
    _ header: SealedHeader, _ piece: Piece, _ datagram: Span<UInt8>, _ way: Way
  ) {
    judgeDuplicate(piece, datagram, way)
    let type = header.word.counter
    let right = SizeOfSealing.handshakes[type]
    guard right != piece.statedByteCount else { return }
    report(.sealedFraming) {
      "a handshake message of type \(type) with \(piece.statedByteCount) bytes"
        + (right.map { ", \($0) would be right" } ?? ", which there is not")
    }
  }

  private mutating func judgeSealedFrame(
    _ header: SealedHeader, _ piece: Piece, _ datagram: Span<UInt8>, _ way: Way
  ) {
    enter(header.vni)
    let byteCount = piece.statedByteCount &- SizeOfSealing.byteCountMin
    if let segmentNumber { segments[segmentNumber].sealedFrameCount &+= 1 }
    judgeSegment(header.vni)
    judgeSourcePort(way)
    judgeNonce(header.word, piece, datagram, way)
    if keys != nil, openAndJudge(header.vni, piece, datagram, way) { return }
    if let segmentNumber { segments[segmentNumber].byteCount &+= byteCount }
    judgeSealedSize(piece, way)
  }

  /// Without a key the tag may be either; the longer one is assumed, so that no right frame is called too long.
  private mutating func judgeSealedSize(_ piece: Piece, _ way: Way) {
    let overhead = plan.mtu == nil ? SizeOfSealing.byteCountMin : SizeOfSealing.byteCountMax
    let most = plan.frameByteCountMax(isIPv4: way.isIPv4, overhead: overhead, isTagged: true)
    guard piece.statedByteCount &- overhead > most else { return }
    report(.oversize) { "\(piece.statedByteCount - overhead) bytes sealed, at most \(most)" }
  }

  /// One lane's counter names one datagram for as long as its index is in use.
  private mutating func judgeNonce(
    _ word: SealedHeader.Word, _ piece: Piece, _ datagram: Span<UInt8>, _ way: Way
  ) {
    var key = Digest(seed: UInt64(way.destination.udpPort))
    key.combine(way.destination.address)
    key.combine(word.rawValue)
    let digest = piece.digest(datagram, seed: 3)
    let packet = UInt32(truncatingIfNeeded: counts.packetCount)
    guard let before = nonces.exchange(key.value, digest, packet: packet, stamp: stamp),
      isWithin(Limits.nonceMilliseconds, of: before.stamp)
    else { return }
    if before.value == digest {
      report(.duplicate) { "of packet \(before.packet)" }
    } else {
      report(.nonceReused) {
        "index \(String(word.index, radix: 16)), lane \(word.lane), counter \(word.counter), as in packet "
          + "\(before.packet)"
      }
    }
  }

  /// - Returns: whether it was opened.
  private mutating func openAndJudge(_ vni: VNI, _ piece: Piece, _ datagram: Span<UInt8>, _ way: Way) -> Bool {
    guard let byteCount = open(datagram, piece) else { return false }
    // The buffer leaves while its bytes are judged, so that both can be touched.
    let opened = plaintext
    plaintext = []
    judgeFrame(
      opened.span.extracting(first: byteCount), statedByteCount: byteCount,
      overhead: piece.statedByteCount &- byteCount, vni, way)
    plaintext = opened
    return true
  }

  /// - Returns: how many bytes the plaintext has; nil when there are no keys, or none that opens it.
  private mutating func open(_ datagram: Span<UInt8>, _ piece: Piece) -> Int? {
    guard let keys else { return nil }
    guard datagram.count == piece.statedByteCount, datagram.count <= plaintext.count else {
      counts.cutCount &+= 1
      return nil
    }
    switch keys.open(datagram, into: &plaintext) {
    case .opened(let byteCount):
      counts.openedCount &+= 1
      return byteCount
    case .noKey: counts.keylessCount &+= 1
    case .failed: report(.authentication) { "no key of this index opens it" }
    case .framing: report(.sealedFraming) { "too short for the tag of its cipher" }
    }
    return nil
  }
}
