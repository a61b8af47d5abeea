import Sealing
import VXLAN

extension Configuration {
  /// One overlay network and its TAP: an item of `segments`.
  package struct Segment: Equatable, Sendable {
    package static let ageingDefault = Duration.seconds(300)
    package static let fdbLimitDefault = 65_536
    package static let stormLimitDefault = 10_000

    package var vni: VNI
    /// The TAP's device name, 1 to 15 bytes.
    package var tap: String
    /// Set on the TAP.
    package var addresses: [IPPrefix] = []
    /// The TAP's own; nil lets the agent derive one from host and VNI.
    package var mac: MACAddress?
    package var mtu = MTU.auto
    /// Of `mtu`, or of the segment without it.
    package var mtuLine = SourceLine()
    /// Whether nothing in clear may leave or enter.
    package var sealed = false
    /// What seals, if anything does.
    package var cipher = CipherChoice.automatic
    /// Of `cipher`, or of the segment without it.
    package var cipherLine = SourceLine()
    package var learning = true
    /// How long a dynamic entry lives after the last frame from its MAC; zero is for ever.
    package var ageing = ageingDefault
    /// How many dynamic entries the table takes.
    package var fdbLimit = fdbLimitDefault
    /// Static entries, each to a peer that has this segment.
    package var fdb: [StaticEntry] = []
    /// The Linux bridge that the TAP becomes a port of.
    package var bridge: String?
    package var vlan = VLANTags.drop
    package var reserved = ReservedBits.strict
    package var dscp = DSCP.copy
    /// Whether the MSS option of TCP is lowered to what the path takes: `mss-clamp`.
    package var clampsMSS = true
    /// Whether ARP and neighbour discovery are answered for stations behind peers: `neighbor-suppression`.
    package var suppressesNeighbors = true
    /// Flooded frames a second, 0 = no limit: `storm-limit`.
    package var stormLimit = stormLimitDefault
    /// Whether multicast goes only where somebody listens: `multicast-snooping`.
    package var snoopsMulticast = true

    package init(vni: VNI, tap: String) {
      self.vni = vni
      self.tap = tap
    }

    /// Whether the kernel must enable IPv6 on the device.
    var hasIPv6Address: Bool { addresses.contains { $0.address.family == .ipv6 } }

    /// The peers that have this segment, in the order of the file.
    package func peers(in configuration: Configuration) -> [Peer] { configuration.peers(of: vni) }
  }

  /// The size of a segment's inner IP packets: `mtu`.
  package enum MTU: Equatable, Sendable {
    /// By the routes to the segment's peers.
    case auto
    /// In bytes, 68...65535. Whether the underlay carries it is judged at start.
    case fixed(Int)
  }

  /// What becomes of inner frames with an 802.1Q tag: `vlan`.
  package enum VLANTags: String, CaseIterable, Sendable { case drop, pass }

  /// What becomes of VXLAN headers whose reserved bits are set: `reserved`.
  package enum ReservedBits: String, CaseIterable, Sendable { case strict, ignore }

  /// The differentiated services code point of the outer header: `dscp`.
  package enum DSCP: Equatable, Sendable {
    /// That of the inner IP header; 0 for what is not IP.
    case copy
    /// 0...63.
    case fixed(UInt8)
  }

  /// An entry that is configured and never ages nor moves: an item of `segments[].fdb`.
  package struct StaticEntry: Hashable, Sendable {
    /// Unicast, not zero.
    package var mac: MACAddress
    /// The name of a peer that has the segment.
    package var peer: String

    package init(mac: MACAddress, peer: String) {
      self.mac = mac
      self.peer = peer
    }
  }
}
