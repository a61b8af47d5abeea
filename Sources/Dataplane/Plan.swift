import Forwarding
import VXLAN

/// What the data path is to know of one segment. Peers are named by their slot in the list of peers.
package struct SegmentPlan: Sendable {
  package var vni: VNI
  /// The MTU of the overlay: what the TAP is set to, without the Ethernet header.
  package var overlayMTU: Int
  /// The address of the TAP, and of the bridge that the agent created for it.
  package var ownMAC: MACAddress
  /// What the tunnel adds; the tag, where tags pass, among it.
  package var overhead = Overhead(family: .ipv4)
  /// Nothing of it in clear leaves or enters. `overhead` is then that of sealed datagrams, with the cipher's tag.
  package var isSealed = false
  package var passesVLANTags = false
  package var ignoresReservedBits = false
  package var learns = true
  /// Dynamic entries at most.
  package var fdbLimit = 65_536
  package var ageingTime: Duration = .seconds(300)
  package var dscp = DSCPPolicy.copy
  /// Frames a second from the TAP that go to many: broadcast, multicast and unknown unicast; 0 = no limit.
  package var stormLimit = 0
  /// Whether multicast goes only where somebody listens, as far as that is known.
  package var snoopsMulticast = true
  /// Whether the MSS option of TCP is lowered to what the path takes.
  package var clampsMSS = true
  /// Whether ARP and neighbour discovery are answered for stations behind peers.
  package var suppressesNeighbors = true
  /// Peers that have the segment: its flood list, and those that may speak on it.
  package var peers: [Int] = []
  package var staticEntries: [(mac: MACAddress, peer: Int)] = []

  package init(vni: VNI, overlayMTU: Int, ownMAC: MACAddress) {
    self.vni = vni
    self.overlayMTU = overlayMTU
    self.ownMAC = ownMAC
  }

  /// The longest inner frame: MTU and Ethernet header, and a tag where tags pass.
  package var frameByteCountMax: Int {
    overlayMTU + EthernetHeader.byteCount + (passesVLANTags ? Specification.vlanTagByteCount : 0)
  }
}

/// Where the outer DSCP comes from.
package enum DSCPPolicy: Equatable, Sendable {
  /// That of the inner IPv4 or IPv6 packet; 0 for other frames.
  case copy
  /// Always this one, 0...63.
  case fixed(UInt8)
}

/// What the data path is to know of one peer.
package struct PeerPlan: Sendable {
  /// Where datagrams for it go; datagrams from this address, whatever their port, are its.
  package var endpoint: Endpoint
  /// Dynamic entries of this peer in one segment at most; 0 = no limit of its own.
  package var fdbLimit = 0
  /// The largest IP packet that the underlay's path to it takes, as far as is known.
  package var pathMTU = Overhead.underlayMTUMax
  /// Of this peer's agent and the own one it is the one to ask for the listeners of groups, if nobody else does.
  package var outranks = false

  package init(endpoint: Endpoint) {
    self.endpoint = endpoint
  }
}
