import Capture
import Sealing
import VXLAN

/// Inner frames out of one of two captures.
///
/// A capture of the underlay holds datagrams of VXLAN, of which the frames are compared and everything else left out;
/// one of a TAP holds the frames themselves.
final class ComparisonReader {
  let path: String
  let isUnderlay: Bool
  private let source: CaptureFile
  private let ports: OverlayPorts
  private let keys: KeyRing?
  /// Nil: frames between all hosts are compared.
  private let pairs: Set<ComparisonSurvey.Pair>?
  /// What is taken off each time, in nanoseconds.
  private let beginning: Int64
  private var plaintext: [UInt8] = []
  private(set) var packet: CapturedPacket?
  /// From the first packet to the latest, in nanoseconds.
  let span: ClosedRange<Int64>
  private(set) var packetCount: UInt64 = 0
  /// Sealed frames that no key opens, and packets that the capture cut short.
  private(set) var unreadableCount: UInt64 = 0
  /// Datagrams between hosts of which the other capture has none.
  private(set) var elsewhereCount: UInt64 = 0
  /// Why the rest of the file was not read.
  private(set) var message: String?

  /// - Parameter isClockShared: else times count from the first packet.
  init(
    _ survey: ComparisonSurvey, ports: OverlayPorts, keys: KeyRing?, pairs: Set<ComparisonSurvey.Pair>?,
    isClockShared: Bool
  ) throws(CaptureError) {
    (path, isUnderlay, self.ports, self.keys, self.pairs) = (survey.path, survey.isUnderlay, ports, keys, pairs)
    beginning = isClockShared ? 0 : survey.firstTime
    let first = survey.firstTime.clampedDifference(from: beginning)
    span = first...max(survey.lastTime.clampedDifference(from: beginning), first)
    source = try CaptureFile(path: path)
    advance()
  }

  /// Nanoseconds on the clock of the comparison.
  func time(of packet: CapturedPacket) -> Int64 { packet.time.clampedDifference(from: beginning) }

  /// Goes on to the next packet; one that cannot be read ends the capture.
  func advance() {
    do throws(CaptureError) {
      packet = try source.next()
      if packet != nil { packetCount += 1 }
    } catch {
      (packet, message) = (nil, error.message)
    }
  }

  /// The frames of the packet at hand.
  func frames(_ body: (Span<UInt8>, VNI?) -> Void) {
    guard let packet else { return }
    guard isUnderlay else {
      if packet.bytes.count < packet.wireByteCount { unreadableCount += 1 } else { body(packet.bytes.span, nil) }
      return
    }
    guard let datagram = OverlayDatagram(source.linkType, packet.bytes.span, ports: ports), let vni = datagram.vni
    else { return }
    if let pairs, !pairs.contains(ComparisonSurvey.Pair(datagram.outer.ip)) { return elsewhereCount += 1 }
    let payload = packet.bytes.span.extracting(datagram.outer.payload)
    guard payload.count >= datagram.outer.payloadByteCount, !payload.isEmpty else { return unreadableCount += 1 }
    let byteCount = DatagramRun.byteCount(of: payload, max: payload.count) ?? payload.count
    for start in stride(from: 0, to: payload.count, by: byteCount) {
      let piece = payload.extracting(start..<min(start + byteCount, payload.count))
      if case .sealed = datagram.content {
        open(piece, vni, body)
      } else if piece.count > VXLANHeader.byteCount {
        body(piece.extracting(VXLANHeader.byteCount...), vni)
      } else {
        unreadableCount += 1
      }
    }
  }

  private func open(_ piece: Span<UInt8>, _ vni: VNI, _ body: (Span<UInt8>, VNI?) -> Void) {
    if plaintext.count < piece.count { plaintext = [UInt8](repeating: 0, count: piece.count) }
    guard let keys, case .opened(let byteCount) = keys.open(piece, into: &plaintext) else {
      return unreadableCount += 1
    }
    let frame = plaintext
    body(frame.span.extracting(0..<byteCount), vni)
  }
}
