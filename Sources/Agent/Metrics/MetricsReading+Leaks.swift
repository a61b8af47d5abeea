/// What the workers' own test of sealing found.
extension MetricsReading {
  static func families(ofLeaks checks: UInt64, _ failures: UInt64) -> [MetricFamily] {
    [
      MetricFamily(
        "vtep_leak_checks_total", .counter,
        "Sealed datagrams that were compared with what had been sealed: one a second for each busy worker.",
        [MetricSample(checks)]),
      MetricFamily(
        "vtep_leak_failures_total", .counter,
        "Those that showed it. None was sent, and within a second nothing of a sealed segment is sent any more.",
        [MetricSample(failures)]),
    ]
  }
}
