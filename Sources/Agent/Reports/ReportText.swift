/// The reports as text for people. Programs read the JSON, which is stable; this may change.
package enum ReportText {
  /// For `fdb`: a table without entries.
  package static var fdbColumns: Table {
    Table([("vni", .right), ("mac", .left), ("peer", .left), ("address", .left), ("state", .left), ("age", .right)])
  }

  /// One page of the entries, behind those that `table`, which was `fdbColumns` at first, has shown.
  package static func fdb(_ page: [FDBReport], in table: inout Table) -> String {
    for entry in page {
      table.append([
        String(entry.vni), entry.mac, entry.peer ?? "", entry.address ?? "", entry.state.rawValue,
        duration(entry.ageSeconds),
      ])
    }
    return table.takeText()
  }

  package static func peers(_ peers: [PeerReport]) -> String {
    var table = Table([
      ("name", .left), ("address", .left), ("session", .left), ("cipher", .left), ("key-age", .right),
      ("path-mtu", .right), ("path-mtu-source", .left), ("last-receive", .right), ("rx-bytes", .right),
      ("tx-bytes", .right),
    ])
    for peer in peers {
      table.append([
        peer.name, peer.address, peer.session.rawValue, peer.cipher ?? "", peer.keyAgeSeconds.map(duration) ?? "",
        String(peer.pathMTU), peer.pathMTUSource.rawValue,
        peer.lastReceiveSeconds.map(duration) ?? "never", String(peer.rxBytes), String(peer.txBytes),
      ])
    }
    return table.text
  }

  package static func segments(_ segments: [SegmentReport]) -> String {
    var table = Table([
      ("vni", .right), ("tap", .left), ("mtu", .right), ("sealed", .left), ("fdb-entries", .right),
      ("neighbors", .right), ("rx-frames", .right), ("tx-frames", .right),
    ])
    for segment in segments {
      table.append([
        String(segment.vni), segment.tap, String(segment.mtu), segment.sealed ? "yes" : "no",
        String(segment.fdbEntries), String(segment.neighbors), String(segment.rxFrames), String(segment.txFrames),
      ])
    }
    return table.text
  }

  package static func stats(_ stats: StatsReport) -> String {
    var table = Table(counterColumns("name"))
    let directions = zip(stats.overlay.named, stats.underlay.named)
    for (total, (overlay, underlay)) in zip(stats.total.named, directions) {
      table.append([total.name, String(total.value), String(overlay.value), String(underlay.value)])
    }
    return table.text
  }

  /// The reasons that have a frame, or all of them, by name, and their sum.
  package static func drops(_ drops: DropsReport, all: Bool) -> String {
    var table = Table(counterColumns("reason"))
    for (name, total) in drops.totals.sorted(by: { $0.key < $1.key }) where all || total > 0 {
      table.append([
        name, String(total), drops.overlay[name].map(String.init) ?? "", drops.underlay[name].map(String.init) ?? "",
      ])
    }
    table.append(["sum"] + [drops.totals, drops.overlay, drops.underlay].map { String($0.values.reduce(0, &+)) })
    return table.text
  }

  /// Blocks as `wg` prints them.
  package static func status(_ status: StatusReport) -> String {
    let host = status.address.contains(":") ? "[\(status.address)]" : status.address
    let frames = status.workerFrames.map { " (frames: \($0.map(String.init).joined(separator: ", ")))" } ?? ""
    let lines = [
      "vtep: \(status.version)", "  pid: \(status.pid)", "  uptime: \(duration(status.uptimeSeconds))",
      "  local: \(host):\(status.udpPort)", "  workers: \(status.workers)\(frames)",
      "  segments: \(status.segments)", "  peers: \(status.peers)", "  control socket: \(status.socket)",
    ]
    let keyLog = status.keyLog.map { ["  key-log: \($0) (who reads it can read the traffic)"] } ?? []
    let offload = status.offload.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)" }
    let blocks = [lines + keyLog, sealing(status.sealing), offload.isEmpty ? [] : ["offload:"] + offload]
    return blocks.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
  }

  private static func sealing(_ sealing: SealingReport?) -> [String] {
    guard let sealing else { return [] }
    return [
      "sealing:", "  port: \(sealing.udpPort)", "  public key: \(sealing.publicKey)",
      "  ciphers: \(sealing.ciphers.joined(separator: ", "))",
      "  AES in hardware: \(sealing.hasHardwareAES ? "yes" : "no")", "  library: \(sealing.library)",
      "  pre-shared keys: \(sealing.presharedKeys)",
    ]
  }

  /// Two units at most, such as `59s`, `5m3s`, `2h0m` and `3d4h`.
  package static func duration(_ seconds: Int) -> String {
    switch seconds {
    case ..<60: "\(seconds)s"
    case ..<3_600: "\(seconds / 60)m\(seconds % 60)s"
    case ..<86_400: "\(seconds / 3_600)h\(seconds % 3_600 / 60)m"
    default: "\(seconds / 86_400)d\(seconds % 86_400 / 3_600)h"
    }
  }

  private static func counterColumns(_ first: String) -> [(title: String, alignment: Table.Alignment)] {
    [(first, .left), ("total", .right), ("overlay", .right), ("underlay", .right)]
  }
}
