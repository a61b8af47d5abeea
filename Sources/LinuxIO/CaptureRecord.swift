import VXLAN

/// What stands in front of the bytes of one captured frame or datagram: 64 bytes in the machine's byte order, at a
/// multiple of 64.
///
///     bytes  0...3   of the record with header and padding     byte  4  kind       byte  5  direction
///     byte   6       drop reason, 0xFF: none                   byte  7  marks      bytes 8...11  length
///     bytes 12...15  bytes that follow     16...23  time       24...27  VNI        28...31  peer's slot
///     bytes 32...33  frames    34...35  GSO size    36...37  checksum start    38...39  checksum offset
///     bytes 40...41  other end's UDP port    42...43  own port's index    byte 44  traffic class    45...47  zero
///     bytes 48...63  other end's IP address as an `IPAddress` has it; of IPv4 the last four bytes alone
package struct CaptureRecord: BitwiseCopyable, Sendable {
  package static let byteCount = 64

  /// What is captured.
  package enum Kind: UInt8, Sendable {
    /// An Ethernet frame of a segment, in clear.
    case inner
    /// The UDP payload of a datagram.
    case outer
    /// Nothing: the end of the ring's memory was too short for the next.
    case padding
  }

  package struct Marks: OptionSet, BitwiseCopyable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The transport checksum is that of the pseudo-header only: see `checksumStart`.
    package static let hasPartialChecksum = Marks(rawValue: 1)
    /// It was captured before, when it went on its way, and has ended since.
    package static let isRepeated = Marks(rawValue: 2)
    /// The other end's address is of IPv6.
    package static let isIPv6 = Marks(rawValue: 4)
    /// The datagram is of the sealed port.
    package static let isSealed = Marks(rawValue: 8)
    /// The agent answered it or took note of it: nobody gets it.
    package static let isConsumed = Marks(rawValue: 16)
  }

  package static let noReason: UInt8 = 0xFF
  package static let noVNI = UInt32.max
  package static let listeningPort = UInt16.max

  var recordByteCount: UInt32 = 0
  var kindByte: UInt8
  /// 0: read from a TAP, or sent to a peer; 1: from the underlay.
  package var direction: UInt8
  package var reason = Self.noReason
  package var marks: Marks = []
  /// Of the frame or datagram, or of all its datagrams.
  package var byteCount: UInt32
  /// Of these, those that were kept.
  package internal(set) var capturedByteCount: UInt32 = 0
  /// Nanoseconds since 1970: of the batch that it came with.
  package var time: UInt64 = 0
  package var vni = Self.noVNI
  /// -1: none, or several.
  package var peer: Int32 = -1
  /// Frames or datagrams that it stands for.
  package var frameCount: UInt16 = 1
  /// Of a superframe the payload of each frame but the last, of joined datagrams the length of each but the last; else
  /// 0.
  package var gsoByteCount: UInt16 = 0
  /// Where the checksum begins, and where it belongs from there, when it is partial.
  package var checksumStart: UInt16 = 0
  package var checksumOffset: UInt16 = 0
  package var remotePort: UInt16 = 0
  /// Of the ports that the agent sends from, in their order.
  package var localPortIndex = Self.listeningPort
  package var trafficClass: UInt8 = 0
  private var reserved0: UInt8 = 0
  private var reserved1: UInt16 = 0
  private var addressHigh: UInt64 = 0
  private var addressLow: UInt64 = 0

  package init(_ kind: Kind, direction: UInt8, byteCount: Int) {
    kindByte = kind.rawValue
    self.direction = direction
    self.byteCount = UInt32(truncatingIfNeeded: byteCount)
  }

  /// The other end. Of a frame none is stated.
  package var remote: IPAddress {
    get {
      marks.contains(.isIPv6)
        ? IPAddress(ipv6High: addressHigh, low: addressLow) : IPAddress(ipv4: UInt32(truncatingIfNeeded: addressLow))
    }
    set {
      (addressHigh, addressLow) = (newValue.high, newValue.low)
      if newValue.family == .ipv6 { marks.insert(.isIPv6) } else { marks.remove(.isIPv6) }
    }
  }

  /// Nil for a kind that this version does not know.
  package var kind: Kind? { Kind(rawValue: kindByte) }
}
