import VXLAN

/// What the agent is told to do: the whole of one configuration file, checked.
///
/// A value that `parse` or `load` returned keeps the rules that concern the file alone: names and numbers are unique,
/// references lead somewhere, numbers are in range. What depends on the host (whether an MTU fits, whether an
/// address exists) is judged at start.
package struct Configuration: Equatable, Sendable {
  package var local: Local
  package var control: Control
  package var workers: Workers
  package var log: Log
  /// Nil: whoever starts the agent.
  package var user: User?
  /// In the order of the file.
  package var segments: [Segment]
  /// In the order of the file.
  package var peers: [Peer]

  package init(
    local: Local, control: Control = Control(), workers: Workers = .auto, log: Log = Log(),
    user: User? = nil, segments: [Segment] = [], peers: [Peer] = []
  ) {
    self.local = local
    self.control = control
    self.workers = workers
    self.log = log
    self.user = user
    self.segments = segments
    self.peers = peers
  }

  /// The segment with this identifier, if there is one.
  package func segment(_ vni: VNI) -> Segment? { segments.first { $0.vni == vni } }

  /// The peer with this name, if there is one.
  package func peer(named name: String) -> Peer? { peers.first { $0.name == name } }

  /// The peers that have this segment, in the order of the file: its flood list, and who may send into it.
  package func peers(of vni: VNI) -> [Peer] { peers.filter { $0.hasSegment(vni) } }
}

extension Configuration {
  /// The underlay side of this VTEP: `local`.
  package struct Local: Equatable, Sendable {
    /// The UDP port of plain VXLAN.
    /// - SeeAlso: RFC 7348, section 8.
    package static let udpPortDefault: UInt16 = 4789
    /// The UDP port of sealed VXLAN.
    package static let sealedUDPPortDefault: UInt16 = 4790

    /// The outer source of every datagram. Unicast, not link-local.
    package var address: IPAddress
    /// Where plain VXLAN is received.
    package var udpPort: UInt16 = udpPortDefault
    /// Where sealed VXLAN is received. Not `udpPort`.
    package var sealedUDPPort: UInt16 = sealedUDPPortDefault
    /// The own private key; there when a segment is sealed. With a peer's public key it is what a session takes.
    package var privateKeyFile: SecretPath?
    /// Pre-shared keys of the network, one or two.
    package var presharedKeyFile: SecretPath?
    /// How many sockets, and so outer source ports, the sender uses; 1 sends from the listening socket.
    package var sourcePortCount = 64
    package var offload = Offload.auto
    package var udp6ZeroChecksum = UDP6ZeroChecksum.drop
    /// After how long a path that was found to take less than its route is asked for more.
    /// - SeeAlso: RFC 8899, section 5.1.1, PMTU_RAISE_TIMER.
    package var pathMTURaise = Duration.seconds(600)

    package init(address: IPAddress) {
      self.address = address
    }
  }

  /// Whether the kernel's segmentation and checksum offloads may be used: `local.offload`.
  package enum Offload: String, CaseIterable, Sendable { case auto, off }

  /// What becomes of datagrams over IPv6 without a checksum: `local.udp6-zero-checksum`.
  package enum UDP6ZeroChecksum: String, CaseIterable, Sendable { case drop, accept }

  /// How to reach the running agent: `control`.
  package struct Control: Equatable, Sendable {
    package static let socketDefault = "/run/vtep/control.sock"

    /// The path of the Unix socket, at most `Limits.socketPathByteCountMax` bytes.
    package var socket = socketDefault
    /// Where metrics and health are told over HTTP; nil: nowhere.
    package var metrics: ListenAddress?
    /// Where the keys of sessions are written, for opening captures later; nil: nowhere.
    package var keyLog: SecretPath?

    package init() {}
  }

  /// How many threads carry frames: `workers`.
  package enum Workers: Equatable, Sendable {
    /// By the number of cores.
    case auto
    /// 1...15.
    case count(Int)

    /// How many they are on a host with so many processors. Two are left to one worker: the traffic's own ends need the
    /// other, and sharing would cost small frames a fifth.
    package func count(onProcessors processorCount: Int) -> Int {
      switch self {
      case .auto: processorCount <= 2 ? 1 : min(processorCount, Limits.workerCountMax)
      case .count(let count): count
      }
    }
  }

  /// What is logged and how: `log`.
  package struct Log: Equatable, Sendable {
    package enum Level: String, CaseIterable, Sendable {
      case trace, debug, info, notice, warning, error, critical
    }
    package enum Format: String, CaseIterable, Sendable { case logfmt, json }

    /// The least severe level that is written.
    package var level = Level.info
    package var format = Format.logfmt

    package init() {}
  }
}
