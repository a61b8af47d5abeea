import Sealing
import VXLAN

extension Configuration {
  /// Another VTEP: an item of `peers`.
  package struct Peer: Equatable, Sendable {
    package var name: String
    /// Of the family of `local.address`.
    package var address: IPAddress
    /// Where plain VXLAN is sent, whatever the local port is.
    package var udpPort: UInt16 = Local.udpPortDefault
    /// Where sealed VXLAN is sent until the peer shows that it is elsewhere, whatever the local port is.
    package var sealedUDPPort: UInt16 = Local.sealedUDPPortDefault
    /// There when the peer has a sealed segment; with the own private key it is what a session takes.
    package var publicKey: PublicKey?
    /// Of `public-key`; without a number when there is none.
    package var publicKeyLine = SourceLine()
    /// Of the peer's mapping.
    package var line = SourceLine()
    /// The segments that it has; nil is all of them. Asked through `hasSegment`.
    package var segments: [VNI]?
    /// How many entries of one segment may be learned from this peer; 0 is no limit of its own.
    package var fdbLimit = 0

    package init(name: String, address: IPAddress) {
      self.name = name
      self.address = address
    }

    /// Where plain datagrams for this peer go.
    package var endpoint: Endpoint { Endpoint(address: address, udpPort: udpPort) }

    /// Where sealed datagrams for this peer go at first.
    package var sealedEndpoint: Endpoint { Endpoint(address: address, udpPort: sealedUDPPort) }

    /// Whether frames of the segment are exchanged with this peer.
    package func hasSegment(_ vni: VNI) -> Bool { segments?.contains(vni) ?? true }
  }
}
