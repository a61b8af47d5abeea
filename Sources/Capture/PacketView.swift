import Sealing
import VXLAN

/// A packet that is to be shown or written, with what could be read of it.
package struct PacketView {
  /// How far what a sealed datagram holds is known.
  package enum Opening: Equatable, Sendable {
    /// Nobody tried: plain, or there are no keys.
    case none
    case opened, noKey, failed
    /// The capture holds only its beginning.
    case cut
  }

  package let packet: CapturedPacket
  /// Nil: the packet is an inner frame itself.
  package let datagram: OverlayDatagram?
  /// The segment, from the datagram or from who captured the frame.
  package let vni: VNI?
  package let opening: Opening
  // SAFETY: valid as long as the packet, or until the next one is opened; here and below.
  /// The inner frame as far as it was captured; nil: it is not known, or there is none.
  package let frame: UnsafeBufferPointer<UInt8>?
  /// Of the inner frame, before it was captured.
  package let frameWireByteCount: Int
  /// The message of an opened control datagram.
  package let control: UnsafeBufferPointer<UInt8>?
  /// What the agent that captured it says of it.
  package var note: AgentNote?
  /// Another datagram of the same packet, which is a run of them, was wanted before.
  package internal(set) var isFurther = false
  /// Of a datagram of a run, its headers included, before it was captured.
  private var pieceByteCount: Int?

  /// Bytes on the wire; of a run those of this datagram.
  package var wireByteCount: Int { pieceByteCount ?? packet.wireByteCount }

  /// The inner frame as a packet of its own.
  package var inner: CapturedPacket? {
    frame.map {
      CapturedPacket(time: packet.time, bytes: $0, wireByteCount: frameWireByteCount, dropReason: packet.dropReason)
    }
  }
}

extension PacketView {
  /// - Parameters:
  ///   - whole: what the packet is as a whole: `datagram`, or a run of which that is one.
  ///   - opener: nil without keys.
  init(_ packet: CapturedPacket, _ datagram: OverlayDatagram, of whole: OverlayDatagram, opener: PacketOpener?) {
    var (opening, plaintext) = (Opening.none, UnsafeBufferPointer<UInt8>?.none)
    if case .sealed = datagram.content, let opener {
      let payload = UnsafeBufferPointer(rebasing: packet.bytes[datagram.outer.payload])
      if payload.count < datagram.outer.payloadByteCount {
        opening = .cut
      } else {
        switch opener.open(payload) {
        case .opened(let bytes): (opening, plaintext) = (.opened, bytes)
        case .noKey: opening = .noKey
        case .failed: opening = .failed
        }
      }
    }
    self.packet = packet
    self.datagram = datagram
    self.opening = opening
    pieceByteCount =
      datagram == whole ? nil : whole.outer.payload.lowerBound &+ datagram.outer.payloadByteCount
    vni = datagram.vni
    switch datagram.content {
    case .plain:
      frame = UnsafeBufferPointer(rebasing: packet.bytes[datagram.body])
      (frameWireByteCount, control) = (datagram.bodyByteCount, nil)
    case .sealed(let header) where header.kind == .frame:
      (frame, frameWireByteCount, control) = (plaintext, plaintext?.count ?? 0, nil)
    default: (frame, frameWireByteCount, control) = (nil, 0, plaintext)
    }
  }

  /// An inner frame that was captured by itself, of segment `vni`.
  init(frame packet: CapturedPacket, vni: VNI?) {
    self.packet = packet
    datagram = nil
    opening = .none
    self.vni = vni
    frame = packet.bytes
    frameWireByteCount = packet.wireByteCount
    control = nil
  }
}
