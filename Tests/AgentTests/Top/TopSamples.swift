import VXLAN

@testable import Agent

/// Two moments of an agent with two segments, two peers and two reasons, two seconds apart.
enum TopSamples {
  static let before = sample(seconds: 10, uptime: 100, step: 0)
  static let after = sample(seconds: 12, uptime: 102, step: 1)

  /// With counters that have grown `step` times.
  static func sample(seconds: UInt64, uptime: Int, step: UInt64, pid: Int32 = 7) -> TopSample {
    TopSample(
      time: Instant(nanoseconds: seconds * 1_000_000_000),
      status: StatusReport(
        pid: pid, uptimeSeconds: uptime, address: "192.0.2.1", udpPort: 4789, workers: 1, segments: 2, peers: 2,
        socket: "control.sock", offload: [:]),
      segments: [
        segment(42, rx: 1000 + step * 2000, tx: 500 + step * 20), segment(43, rx: 0, tx: 5 + step * 4000),
      ],
      peers: [peer("b", rx: 100 + step * 1_000_000, tx: 7), peer("c", rx: 9, tx: 50 + step * 250_000_000)],
      drops: DropsReport([
        ("no-peer", 3 + step * 40, nil), ("unknown-vni", nil, 90), ("vlan-tag", 0, 0),
      ]))
  }

  private static func segment(_ vni: UInt32, rx: UInt64, tx: UInt64) -> SegmentReport {
    SegmentReport(
      vni: vni, tap: "vx\(vni)", mtu: 1450, sealed: false, fdbEntries: 0, rxFrames: rx, txFrames: tx,
      rxBytes: rx * 100, txBytes: tx * 100)
  }

  private static func peer(_ name: String, rx: UInt64, tx: UInt64) -> PeerReport {
    PeerReport(
      name: name, address: "192.0.2.9", session: .up, pathMTU: 1500, lastReceiveSeconds: 0, rxBytes: rx, txBytes: tx)
  }
}
