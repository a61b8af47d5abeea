import VXLAN

/// What encapsulation costs, header by header, as `vtep mtu` shows it.
package struct MTUReport: Codable, Equatable, Sendable {
  /// One header, in bytes.
  package struct Header: Codable, Equatable, Sendable {
    package let name: String
    package let bytes: Int
  }

  /// The largest IP packet of the underlay as its device says, in bytes; more than `Overhead.underlayMTUMax` counts
  /// as that.
  package let underlayMTU: Int
  /// The sum of the headers.
  package let overhead: Int
  /// The largest inner IP packet.
  package let overlayMTU: Int
  /// In the order in which they stand in the datagram.
  package let headers: [Header]
  /// Whose path a running agent was asked about; nil, and absent in JSON, for arithmetic alone.
  package let peer: String?
  package let pathSource: PathSource?

  private enum CodingKeys: String, CodingKey {
    case underlayMTU = "underlay-mtu"
    case overhead
    case overlayMTU = "overlay-mtu"
    case headers, peer
    case pathSource = "path-source"
  }

  /// Nil when the underlay leaves no overlay MTU that a TAP takes.
  package init?(underlayMTU: Int, overhead: Overhead, peer: String? = nil, pathSource: PathSource? = nil) {
    guard let overlayMTU = overhead.overlayMTU(underlayMTU: underlayMTU) else { return nil }
    self.underlayMTU = underlayMTU
    self.overhead = overhead.byteCount
    self.overlayMTU = overlayMTU
    self.headers = overhead.headers.map { Header(name: $0.name, bytes: $0.byteCount) }
    self.peer = peer
    self.pathSource = pathSource
  }

  /// Two columns, the numbers aligned to the right.
  package var text: String {
    var table = Table([("header", .left), ("bytes", .right)])
    for header in headers { table.append([header.name, "\(header.bytes)"]) }
    table.append(["overhead", "\(overhead)"])
    table.append([underlay, "\(underlayMTU)"])
    if underlayMTU > Overhead.underlayMTUMax {
      table.append(["longest IP packet, which counts", "\(Overhead.underlayMTUMax)"])
    }
    table.append(["overlay MTU", "\(overlayMTU)"])
    return table.text
  }

  private var underlay: String {
    guard let peer, let pathSource else { return "underlay MTU" }
    return "underlay MTU to \(peer), \(pathSource.phrase)"
  }
}
