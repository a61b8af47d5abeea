import Sealing
import VXLAN

/// How packets are shown as text.
package struct LineStyle: Sendable {
  package enum Dump: Sendable {
    case none, hex, hexAndASCII
  }

  package var precision = CaptureWriter.Precision.micro
  /// The link header too, of the outer packet.
  package var hasLinkHeader = false
  package var isQuiet = false
  package var dump = Dump.none
  /// Whether the dump begins with the link header.
  package var dumpsLinkHeader = false

  package init() {}
}

/// A packet in words: tcpdump's line of the outer datagram, then the inner frame.
///
///     11:51:38.285339 IP 192.0.2.1.54321 > 192.0.2.2.4789: VXLAN vni 42 len 98 | 02:…
package struct PacketLine {
  private let style: LineStyle

  package init(style: LineStyle) {
    self.style = style
  }

  /// The line, with those of the dump, and a line feed.
  package func text(_ view: PacketView, linkType: LinkType) -> String {
    var text = PacketTime.local(view.packet.time, style.precision) + " "
    let bytes = view.packet.bytes.span
    if let note = view.note { text += note.isIncoming ? "In  " : "Out " }
    if let datagram = view.datagram {
      if style.hasLinkHeader { text += Self.link(linkType, bytes, wireByteCount: view.wireByteCount) }
      text += Self.outer(datagram)
      text += Self.overlay(datagram)
      if let note = Self.note(view) { text += note }
    } else if let vni = view.vni {
      text += "vni \(vni) len \(view.frameWireByteCount)"
    }
    if let frame = view.frame {
      text += " | "
      text += FrameText.of(frame.span, wireByteCount: view.frameWireByteCount, isQuiet: style.isQuiet)
    }
    if let note = view.note { text += Self.words(note) }
    if let reason = view.packet.dropReason { text += " drop \(reason)" }
    if style.dump != .none, !view.isFurther { text += dump(bytes, linkType) }
    return text + "\n"
  }

  private func dump(_ bytes: Span<UInt8>, _ linkType: LinkType) -> String {
    let start = style.dumpsLinkHeader ? 0 : LinkHeader(linkType, bytes)?.byteCount ?? 0
    return HexDump.of(bytes.extracting(droppingFirst: start), hasASCII: style.dump == .hexAndASCII)
  }

  private static func link(_ linkType: LinkType, _ bytes: Span<UInt8>, wireByteCount: Int) -> String {
    guard let header = LinkHeader(linkType, bytes) else { return "" }
    let addresses = EthernetHeader(parsing: bytes).map { "\($0.source) > \($0.destination), " }
    let tag = header.tag.map { "vlan \($0 & 0xFFF), p \($0 >> 13), " } ?? ""
    let type = header.etherType == Specification.etherTypeIPv6 ? "IPv6 (0x86dd)" : "IPv4 (0x0800)"
    return (linkType == .ethernet ? addresses ?? "" : "") + "\(tag)ethertype \(type), length \(wireByteCount): "
  }

  private static func outer(_ datagram: OverlayDatagram) -> String {
    let (ip, outer) = (datagram.outer.ip, datagram.outer)
    let name = ip.source.family == .ipv4 ? "IP" : "IP6"
    let cut = ip.fragmentOffset == nil ? "" : "(fragment) "
    return "\(name) \(ip.source).\(outer.sourcePort) > \(ip.destination).\(outer.destinationPort): \(cut)"
  }

  /// What the payload begins with. `len` counts what follows the header.
  private static func overlay(_ datagram: OverlayDatagram) -> String {
    let byteCount = datagram.bodyByteCount
    switch datagram.content {
    case .plain(let header):
      let vni = header.hasVNIFlag ? " vni \(header.vni)" : " no vni flag"
      return "VXLAN\(vni)\(header.hasReservedBits ? " reserved bits" : "") len \(byteCount)"
    case .sealed(let header):
      let kind = header.kind == .frame ? "sealed vni \(header.vni)" : "control"
      return "\(kind) \(words(header.word)) len \(byteCount)"
    case .handshake(let header, let kind):
      let index = FrameText.hex(UInt64(header.word.index), digits: 5)
      return "handshake \(kind.map { "\($0)" } ?? "unknown") index \(index) len \(byteCount)"
    case .unknown: return "no overlay header, len \(byteCount)"
    }
  }

  private static func words(_ word: SealedHeader.Word) -> String {
    "lane \(word.lane) index \(FrameText.hex(UInt64(word.index), digits: 5)) counter \(word.counter)"
  }

  private static func words(_ note: AgentNote) -> String {
    (note.frameCount > 1 ? " frames \(note.frameCount)" : "") + (note.isConsumed ? " consumed" : "")
      + (note.isRepeated ? " again" : "")
  }

  /// What opening it told.
  private static func note(_ view: PacketView) -> String? {
    switch view.opening {
    case .none: nil
    case .opened: view.control.map { " | \(controlName($0.first))" }
    case .noKey: " (no key)"
    case .failed: " (not authentic)"
    case .cut: " (cut short)"
    }
  }

  static func controlName(_ type: UInt8?) -> String {
    switch type {
    case 0: "keepalive"
    case 1: "probe"
    case 2: "probe answer"
    case let other: "control type \(other.map(String.init) ?? "none")"
    }
  }
}
