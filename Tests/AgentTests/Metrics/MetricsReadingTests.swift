import Testing

@testable import Agent

@Suite("the families of metrics")
struct MetricsReadingTests {
  /// `name{labels}` to value, as the page has them.
  private func series(_ reading: MetricsReading) -> [String: String] {
    let lines = String(decoding: PrometheusText.encode(reading.families), as: UTF8.self).split(separator: "\n")
    let pairs = lines.filter { !$0.hasPrefix("#") }.compactMap { line in
      line.lastIndex(of: " ").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
    }
    return Dictionary(uniqueKeysWithValues: pairs)
  }

  private func names(_ reading: MetricsReading) -> Set<String> {
    Set(reading.families.filter { !$0.samples.isEmpty }.map(\.name))
  }

  /// The sum of a family over those of its series that have all the labels.
  private func sum(_ reading: MetricsReading, _ name: String, _ labels: [String: String] = [:]) -> UInt64 {
    let samples = reading.families.filter { $0.name == name }.flatMap(\.samples)
    return samples.reduce(0) { sum, sample in
      guard case .count(let count) = sample.value,
        labels.allSatisfy({ key, value in sample.labels.contains(MetricLabel(key, value)) })
      else { return sum }
      return sum + count
    }
  }

  @Test("every frame is accounted for: in = received or transmitted + dropped + consumed + waiting", arguments: [1, 3])
  func identity(segmentCount: Int) {
    let reading = MetricsSamples.reading((0..<UInt32(segmentCount)).map { 40 + $0 })
    for (direction, out) in [("overlay", "vtep_transmit_packets_total"), ("underlay", "vtep_receive_packets_total")] {
      let labels = ["direction": direction]
      let ended =
        sum(reading, out) + sum(reading, "vtep_drop_packets_total", labels)
        + sum(reading, "vtep_frames_consumed_total", labels) + sum(reading, "vtep_frames_waiting", labels)
      #expect(sum(reading, "vtep_frames_in_total", labels) == ended)
      #expect(ended > 0)
    }
  }

  @Test("a frame of no segment has the VNI none, and only where there was one")
  func none() {
    let series = series(MetricsSamples.reading())
    #expect(series[#"vtep_drop_packets_total{vni="none",reason="unknown-vni",direction="underlay"}"#] == "5")
    #expect(series[#"vtep_frames_in_total{vni="none",direction="underlay"}"#] == "5")
    #expect(!series.keys.contains { $0.hasPrefix("vtep_frames_in_total{vni=\"none\",direction=\"overlay\"") })
  }

  @Test("a drop reason that did not occur is zero where there are 64 segments, and has no series where there are 65")
  func quietReasons() {
    func zeros(_ count: UInt32) -> Int {
      let reading = MetricsSamples.reading(Array(1...count))
      return reading.families.filter { $0.name == "vtep_drop_packets_total" }.flatMap(\.samples)
        .count { $0.value == .count(0) }
    }
    #expect(zeros(64) >= 64)
    #expect(zeros(65) == 0)
  }

  @Test("1,024 peers have series, and of 1,025 none has, but they are counted")
  func manyPeers() {
    for (count, shown) in [(1_024, 1_024), (1_025, 0)] {
      var reading = MetricsSamples.reading()
      reading.counted?.peers = (0..<count).map { MetricsSamples.peer("p\($0)") }
      let series = series(reading)
      #expect(series.keys.count { $0.hasPrefix("vtep_peer_transmit_bytes_total{") } == shown)
      #expect(series["vtep_peers_without_series"] == "\(count - shown)")
    }
  }

  @Test("while a worker does not answer no counter is told, but that it is so, and what others know")
  func stalled() {
    var reading = MetricsSamples.reading()
    reading.counted = nil
    reading.stalledWorkers = [1]
    let series = series(reading)
    #expect(series[#"vtep_worker_stalled{worker="0"}"#] == "0")
    #expect(series[#"vtep_worker_stalled{worker="1"}"#] == "1")
    #expect(series[#"vtep_fdb_limit{vni="42"}"#] == "100")
    #expect(!series.keys.contains { $0.contains("packets_total") || $0.contains("vtep_frames") })
  }

  @Test("a peer without keys has no session, and one that never spoke no time at which it did")
  func peers() {
    let series = series(MetricsSamples.reading())
    #expect(series[#"vtep_peer_session_up{peer="b"}"#] == "1")
    #expect(series[#"vtep_crypto_rekeys_total{peer="b"}"#] == "2")
    #expect(series[#"vtep_peer_last_receive_timestamp_seconds{peer="b"}"#] == "1700000000.5")
    #expect(!series.keys.contains { $0.hasPrefix("vtep_peer_session_up{peer=\"c\"") })
    #expect(!series.keys.contains { $0.hasPrefix("vtep_peer_last_receive_timestamp_seconds{peer=\"c\"") })
    #expect(series[#"vtep_crypto_failures_total{reason="replay"}"#] == "0")
    #expect(series[#"vtep_crypto_handshakes_total{result="refused"}"#] == "1")
  }

  @Test("without sessions to have there is nothing of them")
  func withoutSessions() {
    var reading = MetricsSamples.reading()
    reading.handshakes = nil
    reading.areSessionsStalled = nil
    #expect(names(reading).isDisjoint(with: ["vtep_sessions_stalled", "vtep_crypto_failures_total"]))
  }

  @Test("an offload is told by its state, with the TAP where TAPs differ and without the reason")
  func offloads() {
    let series = series(MetricsSamples.reading())
    #expect(series[#"vtep_offload_state{offload="udp-segmentation",tap="",state="on"}"#] == "1")
    #expect(series[#"vtep_offload_state{offload="tap-write-superframes",tap="vx42",state="refused"}"#] == "1")
  }

  @Test("names, labels and kinds are as scrapers want them, and no series stands twice")
  func conventions() {
    var reading = MetricsSamples.reading([1, 2])
    reading.process = .now()
    let families = reading.families
    #expect(Set(families.map(\.name)).count == families.count)
    #expect(reading.process != nil && names(reading).contains("process_start_time_seconds"))
    for family in families {
      #expect(family.name.wholeMatch(of: /(vtep|process)_[a-z][a-z0-9_]*/) != nil)
      #expect(family.name.hasSuffix("_total") == (family.kind == .counter), "\(family.name)")
      #expect(family.help.hasSuffix(".") && !family.samples.isEmpty, "\(family.name)")
      for label in family.samples.flatMap(\.labels) { #expect(label.name.wholeMatch(of: /[a-z]+/) != nil) }
    }
    #expect(series(reading).count == families.reduce(0) { $0 + $1.samples.count })
  }
}
