/// The report for people.
extension ComparisonReport {
  private static let barWidth = 40

  package var text: String {
    var lines = ["A  \(a.text)", "B  \(b.text)"]
    lines.append(
      clock == "shared"
        ? "Clock: that of the captures; it has to be one, or two that agree better than the latencies."
        : "Clock: each capture's from its first packet; latencies and directions are relative to that.")
    lines.append("Window: \(window) frames; judged early for want of room: \(judgedEarly).")
    lines.append("")
    let header = ["VNI", "WAY", "MATCHED", "LOST", "DUPLICATED", "REORDERED", "BY-BYTES", "P50-US", "P99-US", "MAX-US"]
    lines += TextColumns.lines([header] + ways.map(\.columns))
    for way in ways { lines += way.histogram(width: Self.barWidth) }
    lines += ["", "Verdict: \(verdict)", ""]
    return lines.joined(separator: "\n")
  }
}

extension ComparisonReport.Capture {
  fileprivate var text: String {
    var text = "\(file): \(packets) packets, \(frames) inner frames"
    if unreadable > 0 { text += ", \(unreadable) unreadable" }
    if outside > 0 { text += ", \(outside) from before or after the other capture" }
    if elsewhere > 0 { text += ", \(elsewhere) with hosts that the other capture does not have" }
    if let message { text += "; cut short: \(message)" }
    return text
  }
}

extension ComparisonReport.Way {
  private var name: String? { furtherSegments.map { "\($0) more" } ?? vni.map(String.init) }

  fileprivate var columns: [String] {
    [name ?? "-", direction]
      + [matched, lost, duplicated, reordered, equalByBytes].map(String.init)
      + [latency?.medianNanoseconds, latency?.share99Nanoseconds, latency?.mostNanoseconds].map {
        $0.map { String($0 / 1_000) } ?? "-"
      }
  }

  fileprivate func histogram(width: Int) -> [String] {
    guard let latency, let most = latency.histogram.map(\.count).max() else { return [] }
    let title = "\nLatency of \(name.map { "VNI \($0)" } ?? "all segments"), \(direction):"
    return [title]
      + latency.histogram.map { step in
        let bar = String(repeating: "#", count: max(1, Int(step.count * UInt64(width) / most)))
        return "  " + (step.upToNanoseconds.map { "<= \($0 / 1_000) us" } ?? "more") + "  \(step.count)  \(bar)"
      }
  }
}
