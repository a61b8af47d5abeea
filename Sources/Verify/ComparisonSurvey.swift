import Capture
import Glibc
import VXLAN

/// What a look at the whole of a capture tells, before it is compared with another.
struct ComparisonSurvey {
  /// Packets that are looked at for a datagram.
  private static let lookCount: UInt64 = 4_096
  /// Of the outer addresses of datagrams.
  private static let pairCountMax = 1 << 16

  /// The ends of a datagram, whichever way it went.
  struct Pair: Hashable {
    private let low: IPAddress
    private let high: IPAddress

    init(_ ip: IPPacket) {
      let isInOrder =
        (ip.source.high, ip.source.low) <= (ip.destination.high, ip.destination.low)
      (low, high) = isInOrder ? (ip.source, ip.destination) : (ip.destination, ip.source)
    }
  }

  let path: String
  /// Whether there are datagrams of VXLAN, or frames as they are at a TAP.
  private(set) var isUnderlay = false
  private(set) var packetCount: UInt64 = 0
  /// Of the first packet, and the latest of all, in nanoseconds.
  private(set) var firstTime: Int64 = 0
  private(set) var lastTime = Int64.min
  /// Between whom datagrams went; nil: between too many.
  private(set) var pairs: Set<Pair>? = []

  /// - Throws: for what is no file, no capture, or empty.
  init(path: String, ports: OverlayPorts, _ progress: ComparisonProgress) throws(CaptureError) {
    self.path = path
    var status = stat()
    guard path != CaptureFile.standardInput, stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
      throw CaptureError("\(path): two captures are compared from files, which are read twice, not from pipes")
    }
    let source = try CaptureFile(path: path)
    guard source.linkType.isKnown else {
      throw CaptureError("\(path): link type \(source.linkType.rawValue) is not known; 1, 101, 113 and 276 are")
    }
    // What cannot be read any more is said by who reads it the second time.
    while let packet = (try? source.next()) ?? nil {
      note(packet, source.linkType, ports)
      progress.note(packet)
    }
    guard packetCount > 0 else { throw CaptureError("\(path): it holds no packet") }
    guard isUnderlay || source.linkType == .ethernet else {
      throw CaptureError("\(path): there is no datagram of VXLAN, and frames of Ethernet it does not hold either")
    }
  }

  private mutating func note(_ packet: CapturedPacket, _ linkType: LinkType, _ ports: OverlayPorts) {
    if packetCount == 0 { firstTime = packet.time }
    packetCount += 1
    lastTime = max(lastTime, packet.time)
    guard isUnderlay || packetCount <= Self.lookCount,
      let datagram = OverlayDatagram(linkType, packet.bytes.span, ports: ports)
    else { return }
    isUnderlay = true
    guard datagram.vni != nil, let count = pairs?.count else { return }
    if count < Self.pairCountMax { pairs?.insert(Pair(datagram.outer.ip)) } else { pairs = nil }
  }
}
