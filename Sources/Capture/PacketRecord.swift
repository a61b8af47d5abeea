import Sealing
import VXLAN

/// A packet as a JSON object.
package struct PacketRecord: Encodable, Sendable {
  /// Of those that were shown or written, from 1: the number in a file that is written beside.
  package let packet: Int
  /// RFC 3339, UTC.
  package let time: String
  /// Bytes on the wire.
  package let length: Int
  package let source: String?
  package let sourcePort: UInt16?
  package let destination: String?
  package let destinationPort: UInt16?
  /// `vxlan`, `sealed`, `control`, `handshake`, `unknown` or `frame`.
  package let kind: String
  package let vni: UInt32?
  package let lane: UInt8?
  /// Five hexadecimal digits.
  package let index: String?
  package let counter: UInt64?
  /// `opened`, `no-key`, `failed` or `cut`; with keys only.
  package let opening: String?
  package let innerLength: Int?
  package let innerSource: String?
  package let innerDestination: String?
  package let innerEtherType: String?
  package let inner: String?
  /// `in` or `out`; of a running agent, as what follows.
  package let direction: String?
  package let peer: String?
  /// True, or absent; as what follows but for the numbers, which are of superframes.
  package let repeated: Bool?
  package let consumed: Bool?
  package let frames: Int?
  package let segmentSize: Int?
  package let partialChecksum: Bool?
  package let drop: String?

  private enum CodingKeys: String, CodingKey {
    case packet, time, length, source, destination, kind, vni, lane, index, counter, opening, inner, drop
    case direction, peer, repeated, consumed, frames
    case segmentSize = "segment-size"
    case partialChecksum = "partial-checksum"
    case sourcePort = "source-port"
    case destinationPort = "destination-port"
    case innerLength = "inner-length"
    case innerSource = "inner-source"
    case innerDestination = "inner-destination"
    case innerEtherType = "inner-ethertype"
  }

  package init(_ view: PacketView, number: Int, precision: CaptureWriter.Precision) {
    packet = number
    time = PacketTime.universal(view.packet.time, precision)
    length = view.wireByteCount
    let outer = view.datagram?.outer
    (source, destination) = (outer?.ip.source.description, outer?.ip.destination.description)
    (sourcePort, destinationPort) = (outer?.sourcePort, outer?.destinationPort)
    vni = view.vni?.rawValue
    let (name, header) = Self.kind(of: view.datagram)
    kind = name
    lane = header?.word.lane
    index = header.map { FrameText.hex(UInt64($0.word.index), digits: 5) }
    counter = header?.word.counter
    opening = Self.opening(view.opening)
    let frame = view.frame
    let ethernet = frame.flatMap { EthernetHeader(parsing: $0.span) }
    innerLength = frame.map { _ in view.frameWireByteCount }
    innerSource = ethernet?.source.description
    innerDestination = ethernet?.destination.description
    innerEtherType = ethernet.map { "0x" + FrameText.hex(UInt64($0.etherType), digits: 4) }
    inner =
      frame.map { FrameText.of($0.span, wireByteCount: view.frameWireByteCount, isQuiet: false) }
      ?? view.control.map { PacketLine.controlName($0.first) }
    let note = view.note
    direction = note.map { $0.isIncoming ? "in" : "out" }
    peer = note?.peer
    repeated = note?.isRepeated == true ? true : nil
    consumed = note?.isConsumed == true ? true : nil
    frames = note.flatMap { $0.frameCount > 1 ? $0.frameCount : nil }
    segmentSize = note.flatMap { $0.segmentByteCount > 0 ? $0.segmentByteCount : nil }
    partialChecksum = note?.hasPartialChecksum == true ? true : nil
    drop = view.packet.dropReason
  }

  private static func kind(of datagram: OverlayDatagram?) -> (String, SealedHeader?) {
    switch datagram?.content {
    case .plain: ("vxlan", nil)
    case .sealed(let header): (header.kind == .frame ? "sealed" : "control", header)
    case .handshake(let header, _): ("handshake", header)
    case .unknown: ("unknown", nil)
    case nil: ("frame", nil)
    }
  }

  private static func opening(_ opening: PacketView.Opening) -> String? {
    switch opening {
    case .none: nil
    case .opened: "opened"
    case .noKey: "no-key"
    case .failed: "failed"
    case .cut: "cut"
    }
  }
}
