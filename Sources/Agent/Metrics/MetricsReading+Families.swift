/// Every family of `/metrics`, in the order of the page.
extension MetricsReading {
  /// Peers with series of their own; where there are more, none has, so that a page stays below a megabyte.
  static let peerSeriesCountMax = 1_024
  /// Segments with a series for each drop reason, also where nothing was dropped; where there are more, only reasons
  /// that occurred have one.
  static let quietSeriesSegmentCountMax = 64

  package var families: [MetricFamily] {
    agentFamilies + (counted.map { trafficFamilies($0) + batchFamilies($0) } ?? []) + segmentFamilies
      + (counted.map(peerFamilies) ?? []) + (process.map(Self.families) ?? [])
  }

  private var agentFamilies: [MetricFamily] {
    [
      MetricFamily(
        "vtep_build_info", .gauge, "What runs.",
        [MetricSample(1, [MetricLabel("version", VtepVersion.current), MetricLabel("swift", Self.compiler)])]),
      MetricFamily(
        "vtep_ready", .gauge, "Whether the agent carries frames on every segment: 1 or 0, as /readyz says it.",
        [MetricSample(isReady)]),
      MetricFamily(
        "vtep_worker_stalled", .gauge, "Whether a worker makes no progress: 1 or 0, as /healthz says it.",
        (0..<workerCount).map { MetricSample(stalledWorkers.contains($0), [MetricLabel("worker", "\($0)")]) }),
      MetricFamily(
        "vtep_worker_frames_total", .counter, "Frames of both directions that a worker took.",
        (counted?.workerFrames ?? []).enumerated().map { MetricSample($1, [MetricLabel("worker", "\($0)")]) }),
      MetricFamily(
        "vtep_sessions_stalled", .gauge, "Whether the thread that keeps the sessions does not answer: 1 or 0.",
        areSessionsStalled.map { [MetricSample($0)] } ?? []),
      MetricFamily(
        "vtep_offload_state", .gauge,
        "How far each offload is in use: one series of value 1 each, state on, off or refused.",
        offloads.sorted { $0.key < $1.key }.map { Self.offload($0.key, $0.value) }),
      MetricFamily(
        "vtep_events_lost_total", .counter, "Events of addresses that found no place on their way to those who listen.",
        [MetricSample(lostEventCount)]),
    ] + (leaks.map { Self.families(ofLeaks: $0.checks, $0.failures) } ?? [])
  }

  /// The name, behind a space the TAP where TAPs differ; the text, behind a colon the reason.
  private static func offload(_ name: String, _ text: String) -> MetricSample {
    let words = name.split(separator: " ", maxSplits: 1)
    let state = text.prefix { $0 != ":" }
    return MetricSample(
      1,
      [
        MetricLabel("offload", String(words[0])), MetricLabel("tap", words.count > 1 ? String(words[1]) : ""),
        MetricLabel("state", String(state)),
      ])
  }

  private static var compiler: String {
    #if compiler(>=6.4)
      "6.4 or later"
    #elseif compiler(>=6.3)
      "6.3"
    #else
      "6.2 or earlier"
    #endif
  }

  private static func families(_ process: ProcessReading) -> [MetricFamily] {
    [
      MetricFamily(
        "process_cpu_seconds_total", .counter,
        "Processor time of the process, the user's and the system's, in seconds.",
        [MetricSample(level: process.processorSeconds)]),
      MetricFamily(
        "process_resident_memory_bytes", .gauge, "Resident memory of the process, in bytes.",
        [MetricSample(process.residentByteCount)]),
      MetricFamily(
        "process_virtual_memory_bytes", .gauge, "Address space of the process, in bytes.",
        [MetricSample(process.virtualByteCount)]),
      MetricFamily(
        "process_open_fds", .gauge, "Open files of the process.", [MetricSample(process.openDescriptorCount)]),
      MetricFamily(
        "process_max_fds", .gauge, "Files that the process may have open.",
        [MetricSample(process.descriptorCountMax)]),
      MetricFamily(
        "process_start_time_seconds", .gauge, "When the process started, in seconds since 1970.",
        [MetricSample(level: process.startTime)]),
    ]
  }
}
