/// Tables and devices of the segments.
extension MetricsReading {
  var segmentFamilies: [MetricFamily] {
    [
      family("vtep_tap_up", .gauge, "Whether the segment's TAP works: 0 while it is gone or being mended.") {
        [MetricSample($0.isTAPUp, [MetricLabel("tap", $0.tap)])]
      },
      family("vtep_mtu_bytes", .gauge, "The overlay MTU that the segment carries, in bytes.") {
        [MetricSample(UInt64(clamping: $0.overlayMTU))]
      },
      family(
        "vtep_mtu_fits", .gauge, "Whether the configured MTU fits the underlay: 0 while larger packets are answered."
      ) {
        [MetricSample($0.fitsMTU)]
      },
      family("vtep_fdb_entries", .gauge, "Entries of the forwarding table.") {
        [
          MetricSample(UInt64(clamping: $0.dynamicEntryCount), [MetricLabel("type", "learned")]),
          MetricSample(UInt64(clamping: $0.staticEntryCount), [MetricLabel("type", "static")]),
        ]
      },
      family("vtep_fdb_limit", .gauge, "Learned entries that the forwarding table takes.") {
        [MetricSample(UInt64(clamping: $0.fdbLimit))]
      },
      family("vtep_fdb_refused_total", .counter, "Frames from new addresses that were not learned, because of a limit.")
      {
        [MetricSample($0.refusedCount)]
      },
      family("vtep_fdb_moves_total", .counter, "How often an address was somewhere else than before.") {
        [MetricSample($0.moveCount)]
      },
      family("vtep_fdb_flapping_total", .counter, "How often an address moved so often that its entry was frozen.") {
        [MetricSample($0.flappingCount)]
      },
      family("vtep_fdb_aged_total", .counter, "Entries that went because no frame came from their address.") {
        [MetricSample($0.agedCount)]
      },
      family("vtep_neighbors", .gauge, "Addresses that are known to be at stations behind peers.") {
        [MetricSample(UInt64(clamping: $0.neighborCount))]
      },
      family("vtep_multicast_groups", .gauge, "Multicast groups with a known listener at a peer.") {
        [MetricSample(UInt64(clamping: $0.groupCount))]
      },
    ]
  }

  /// The samples of each segment, labelled with its VNI first.
  private func family(
    _ name: String, _ kind: MetricFamily.Kind, _ help: String, _ samples: (Segment) -> [MetricSample]
  ) -> MetricFamily {
    MetricFamily(
      name, kind, help,
      segments.flatMap { segment in
        samples(segment).map { sample in
          var sample = sample
          sample.labels.insert(MetricLabel("vni", String(segment.vni)), at: 0)
          return sample
        }
      })
  }
}
