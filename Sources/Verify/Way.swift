import Capture
import VXLAN

/// What the outer headers say that the rules about the payload need.
struct Way {
  let destination: Endpoint
  let sourcePort: UInt16
  /// The number of the source among the VTEPs; nil when there are too many of them.
  let source: Int?
  let isSealedPort: Bool
  /// The checksum was left to the card.
  let isOffloaded: Bool
  /// Names both ends, their ports and the IP packet: the same for a datagram and its duplicate.
  let digest: UInt64
  /// Names the two addresses.
  let pair: UInt64

  var isIPv4: Bool { destination.address.isIPv4 }

  init(_ outer: OuterDatagram, source: Int?, isSealedPort: Bool, isOffloaded: Bool, identification: UInt16) {
    destination = outer.destination
    sourcePort = outer.sourcePort
    self.source = source
    self.isSealedPort = isSealedPort
    self.isOffloaded = isOffloaded
    var digest = Digest(seed: 1)
    digest.combine(outer.ip.source)
    digest.combine(outer.ip.destination)
    pair = digest.value
    let ports = UInt64(outer.sourcePort) << 16 | UInt64(outer.destinationPort)
    digest.combine(ports << 16 | UInt64(identification))
    self.digest = digest.value
  }
}
