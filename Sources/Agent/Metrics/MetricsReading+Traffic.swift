/// Frames: what came, what became of them, and in how many calls.
extension MetricsReading {
  /// Drop reasons that a frame meets before its segment is known: their zeros are those of no segment.
  private static let reasonsOfNoSegment: Set<String> = [
    "fragment", "truncated", "short-header", "no-vni-flag", "reserved-bits", "unknown-peer", "unknown-vni", "framing",
    "handshake", "unknown-session",
  ]

  func trafficFamilies(_ counted: Counted) -> [MetricFamily] {
    let traffic = counted.traffic
    return [
      Self.family(
        "vtep_frames_in_total", .counter, "Frames that came: read from TAPs (overlay), datagrams (underlay).",
        of: traffic, \.counts.framesIn),
      Self.oneWay(
        "vtep_receive_packets_total", "Frames of peers that were written into the segment's TAP.", of: traffic,
        "underlay", \.counts.framesOut),
      Self.oneWay(
        "vtep_receive_bytes_total", "Bytes of these, without encapsulation.", of: traffic, "underlay", \.byteCountOut),
      Self.oneWay(
        "vtep_transmit_packets_total", "Frames of the segment's TAP that went to at least one peer.", of: traffic,
        "overlay", \.counts.framesOut),
      Self.oneWay(
        "vtep_transmit_bytes_total", "Bytes of these, without encapsulation, copies not counted.", of: traffic,
        "overlay", \.byteCountOut),
      MetricFamily(
        "vtep_drop_packets_total", .counter, "Frames that ended otherwise than delivered or sent, by reason.",
        traffic.flatMap(drops)),
      Self.family(
        "vtep_frames_consumed_total", .counter, "Frames that the agent answered or took itself.", of: traffic,
        \.counts.consumed),
      Self.family(
        "vtep_frames_waiting", .gauge, "Frames that wait for a session.", of: traffic, \.counts.waiting),
      Self.family(
        "vtep_frames_generated_total", .counter, "Frames that the agent made itself: answers and queries.",
        of: traffic, \.counts.generated),
      Self.oneWay(
        "vtep_flood_copies_total", "Copies of flooded frames that went out.", of: traffic, "overlay",
        \.counts.floodCopies),
      Self.oneWay(
        "vtep_flood_copy_drops_total", "Copies of flooded frames that did not.", of: traffic, "overlay",
        \.counts.floodCopyDrops),
      MetricFamily(
        "vtep_kernel_drop_packets_total", .counter,
        "Frames that the kernel dropped before the agent saw them: of TAPs (overlay), of sockets (underlay).",
        counted.kernelDrops.map { MetricSample($0.count, [MetricLabel("direction", $0.direction)]) }),
    ]
  }

  func batchFamilies(_ counted: Counted) -> [MetricFamily] {
    let batches = counted.batches
    let calls = [
      ("tap-read", batches.framesRead, batches.tapReads), ("send", batches.datagramsSent, batches.sends),
      ("receive", batches.datagramsReceived, batches.receives), ("tap-write", batches.framesWritten, batches.tapWrites),
    ]
    return [
      MetricFamily(
        "vtep_batch_size", .summary,
        "Frames that one call carried: what superframes and joined datagrams save. Sum of frames and count of calls.",
        calls.flatMap { call, frames, count in
          [
            MetricSample(frames, [MetricLabel("call", call)], suffix: "_sum"),
            MetricSample(count, [MetricLabel("call", call)], suffix: "_count"),
          ]
        })
    ]
  }

  private func drops(_ traffic: Traffic) -> [MetricSample] {
    let isTold = segments.count <= Self.quietSeriesSegmentCountMax
    return traffic.drops.filter { reason, count in
      count > 0 || isTold && (traffic.vni == nil) == Self.reasonsOfNoSegment.contains(reason)
    }
    .map { reason, count in
      MetricSample(
        count,
        [
          Self.label(of: traffic), MetricLabel("reason", reason), MetricLabel("direction", traffic.direction),
        ])
    }
  }

  /// A series for each segment and direction; for frames of no segment only where there were any.
  private static func family(
    _ name: String, _ kind: MetricFamily.Kind, _ help: String, of traffic: [Traffic],
    _ value: KeyPath<Traffic, UInt64>
  ) -> MetricFamily {
    MetricFamily(
      name, kind, help,
      traffic.filter { $0.vni != nil || $0[keyPath: value] > 0 }.map {
        MetricSample($0[keyPath: value], [label(of: $0), MetricLabel("direction", $0.direction)])
      })
  }

  /// The same of one direction, which is then no label.
  private static func oneWay(
    _ name: String, _ help: String, of traffic: [Traffic], _ direction: String, _ value: KeyPath<Traffic, UInt64>
  ) -> MetricFamily {
    MetricFamily(
      name, .counter, help,
      traffic.filter { $0.direction == direction && ($0.vni != nil || $0[keyPath: value] > 0) }.map {
        MetricSample($0[keyPath: value], [label(of: $0)])
      })
  }

  private static func label(of traffic: Traffic) -> MetricLabel {
    MetricLabel("vni", traffic.vni.map(String.init) ?? "none")
  }
}
