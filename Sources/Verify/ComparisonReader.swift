import Capture
import Sealing
import VXLAN

/// Inner frames out of one of two captures.
///
/// A capture of the underlay holds datagrams of VXLAN, of which the frames are compared and everything else left out;
/// one of a TAP holds the frames themselves. Which it is, its first packets tell.
final class ComparisonReader {
  /// Packets that are looked at for a datagram.
  private static let lookCount = 4_096

  let path: String
  let isUnderlay: Bool
  private let source: CaptureFile
  private let ports: OverlayPorts
  private let keys: KeyRing?
  private var plaintext: [UInt8] = []
  private(set) var packet: CapturedPacket?
  /// Nanoseconds.
  let firstTime: Int64
  private(set) var packetCount: UInt64 = 0
  /// Sealed frames that no key opens, and packets that the capture cut short.
  private(set) var unreadableCount: UInt64 = 0
  /// Why the rest of the file was not read.
  private(set) var message: String?

  init(path: String, ports: OverlayPorts, keys: KeyRing?) throws(CaptureError) {
    guard path != CaptureFile.standardInput else {
      throw CaptureError("two captures are compared from files, not from standard input")
    }
    (self.path, self.ports, self.keys) = (path, ports, keys)
    isUnderlay = try Self.hasDatagrams(path, ports)
    source = try CaptureFile(path: path)
    guard isUnderlay || source.linkType == .ethernet else {
      throw CaptureError("\(path): there is no datagram of VXLAN, and frames of Ethernet it does not hold either")
    }
    guard let first = try source.next() else { throw CaptureError("\(path): it holds no packet") }
    (packet, firstTime, packetCount) = (first, first.time, 1)
  }

  private static func hasDatagrams(_ path: String, _ ports: OverlayPorts) throws(CaptureError) -> Bool {
    let source = try CaptureFile(path: path)
    guard source.linkType.isKnown else {
      throw CaptureError("\(path): link type \(source.linkType.rawValue) is not known; 1, 101, 113 and 276 are")
    }
    for _ in 0..<lookCount {
      guard let packet = (try? source.next()) ?? nil else { return false }
      if OverlayDatagram(source.linkType, packet.bytes.span, ports: ports) != nil { return true }
    }
    return false
  }

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
