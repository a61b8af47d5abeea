/// Peers and the sessions with them.
extension MetricsReading {
  /// Drop reasons that say that somebody forges, repeats or has other keys.
  private static let cryptoReasons = ["framing", "handshake", "unknown-session", "replay", "authentication"]

  func peerFamilies(_ counted: Counted) -> [MetricFamily] {
    let isTold = counted.peers.count <= Self.peerSeriesCountMax
    let peers = isTold ? counted.peers : []
    return [
      MetricFamily(
        "vtep_peers", .gauge, "Peers by the state of the session; those without keys as none.",
        sessionCounts.sorted { $0.key.rawValue < $1.key.rawValue }.map {
          MetricSample(UInt64(clamping: $0.value), [MetricLabel("session", $0.key.rawValue)])
        }),
      MetricFamily(
        "vtep_peers_without_series", .gauge,
        "Peers that have no series of their own, because there are more than \(Self.peerSeriesCountMax).",
        [MetricSample(UInt64(counted.peers.count - peers.count))]),
      Self.family("vtep_peer_receive_bytes_total", .counter, "UDP payload of the datagrams of the peer.", of: peers) {
        MetricSample($0.receivedByteCount)
      },
      Self.family("vtep_peer_transmit_bytes_total", .counter, "UDP payload of the datagrams to the peer.", of: peers) {
        MetricSample($0.sentByteCount)
      },
      Self.family(
        "vtep_peer_last_receive_timestamp_seconds", .gauge,
        "When the last datagram of the peer came, in seconds since 1970; no series before the first.", of: peers
      ) { $0.lastReceive.map { MetricSample(level: $0) } },
      Self.family(
        "vtep_peer_path_mtu_bytes", .gauge, "IP packets that the underlay's path to the peer takes, in bytes.",
        of: peers
      ) { MetricSample(UInt64(clamping: $0.pathMTU)) },
      Self.family(
        "vtep_peer_session_up", .gauge, "Whether there is a session with the peer: 1 or 0; only of peers with keys.",
        of: peers
      ) { $0.session.map { MetricSample($0.state == .up) } },
      Self.family(
        "vtep_crypto_key_age_seconds", .gauge, "How old the key is that seals to the peer; no series without one.",
        of: peers
      ) { $0.session?.keyAgeSeconds.map { MetricSample(level: $0) } },
      Self.family(
        "vtep_crypto_rekeys_total", .counter, "Sessions with the peer that came into use, the first among them.",
        of: peers
      ) { $0.session.map { MetricSample($0.count) } },
    ] + cryptoFamilies(counted)
  }

  private func cryptoFamilies(_ counted: Counted) -> [MetricFamily] {
    guard let handshakes else { return [] }
    let failures = Self.cryptoReasons.map { reason in
      let count = counted.traffic.flatMap(\.drops).reduce(0) { $0 &+ ($1.reason == reason ? $1.count : 0) }
      return MetricSample(count, [MetricLabel("reason", reason)])
    }
    return [
      MetricFamily(
        "vtep_crypto_failures_total", .counter,
        "Sealed datagrams that were forged, repeated or of no session: those of vtep_drop_packets_total, together.",
        failures),
      MetricFamily(
        "vtep_crypto_handshakes_total", .counter, "Handshake messages that were offered, by what became of them.",
        [
          MetricSample(handshakes.accepted, [MetricLabel("result", "accepted")]),
          MetricSample(handshakes.refused, [MetricLabel("result", "refused")]),
        ]),
    ]
  }

  /// A series for each peer that has a value.
  private static func family(
    _ name: String, _ kind: MetricFamily.Kind, _ help: String, of peers: [Peer], _ sample: (Peer) -> MetricSample?
  ) -> MetricFamily {
    MetricFamily(
      name, kind, help,
      peers.compactMap { peer in
        sample(peer).map { sample in
          var sample = sample
          sample.labels = [MetricLabel("peer", peer.name)]
          return sample
        }
      })
  }
}
