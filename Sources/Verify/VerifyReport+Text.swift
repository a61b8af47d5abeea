extension VerifyReport {
  /// Packets that a rule's line names.
  private static let packetCountShown = 8
  private static let detailCountShown = 3

  /// Tables in columns, the verdict first and again in the last line.
  package var text: String {
    var lines = [headline, ""]
    if !rules.isEmpty {
      lines += TextColumns.lines([["RULE", "SEVERITY", "COUNT", "PACKETS"]] + rules.map(row)) + [""]
      lines += rules.flatMap(details) + [""]
    }
    if !segments.isEmpty {
      lines += TextColumns.lines([["SEGMENT", "PLAIN", "SEALED", "BYTES", "FINDINGS"]] + segments.map(Self.row)) + [""]
    }
    if !peers.isEmpty {
      lines += TextColumns.lines([["VTEP", "SENT", "BYTES", "RECEIVED", "BYTES"]] + peers.map(Self.row)) + [""]
    }
    lines += remarks + [window.text, "\(file): \(verdict.rawValue)"]
    return lines.joined(separator: "\n") + "\n"
  }

  private var headline: String {
    let findingCount = rules.reduce(0) { $0 + $1.count }
    return "\(file): \(verdict.rawValue): \(counts.packetCount) packets, \(counts.datagramCount) VXLAN datagrams, "
      + "\(findingCount) findings"
  }

  private var remarks: [String] {
    let told: [(Int, String)] = [
      (counts.offloadedCount, "datagrams without the checksum that the card adds"),
      (counts.runCount, "packets that are runs of datagrams, judged one by one"),
      (counts.superframeCount, "superframes whose size on the wire is not known"),
      (counts.cutCount, "datagrams of which the capture has only the beginning"),
      (counts.openedCount, "sealed datagrams opened"),
      (counts.keylessCount, "sealed datagrams that no key is there for"),
    ]
    return unmet.map { "expected: \($0)" } + told.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
      + (incompleteness.map { [$0] } ?? [])
  }

  private func row(_ rule: RuleCount) -> [String] {
    let packets = findings.filter { $0.rule.name == rule.rule }.prefix(Self.packetCountShown).map { "\($0.packet)" }
    let more = rule.count > packets.count ? ", …" : ""
    return [rule.rule, rule.severity, "\(rule.count)", packets.joined(separator: ", ") + more]
  }

  private func details(_ rule: RuleCount) -> [String] {
    findings.filter { $0.rule.name == rule.rule }.prefix(Self.detailCountShown).map {
      "packet \($0.packet): \(rule.rule): \($0.detail)"
    }
  }

  private static func row(_ segment: SegmentTally) -> [String] {
    [
      segment.vni.description, "\(segment.plainFrameCount)", "\(segment.sealedFrameCount)", "\(segment.byteCount)",
      "\(segment.findingCount)",
    ]
  }

  private static func row(_ peer: PeerTally) -> [String] {
    [
      peer.address.description, "\(peer.sentDatagramCount)", "\(peer.sentByteCount)", "\(peer.receivedDatagramCount)",
      "\(peer.receivedByteCount)",
    ]
  }
}
