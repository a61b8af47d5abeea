/// The report for people.
extension ComparisonReport {
  private static let barWidth = 40

  package var text: String {
    var lines = [("A", a), ("B", b)].map { name, capture in
      "\(name)  \(capture.file): \(capture.packets) packets, \(capture.frames) inner frames"
        + (capture.unreadable == 0 ? "" : ", \(capture.unreadable) unreadable")
        + (capture.message.map { "; cut short: \($0)" } ?? "")
    }
    lines.append(
      clock == "shared"
        ? "Clock: that of the captures; it has to be one, or two that agree better than the latencies."
        : "Clock: each capture's from its first packet; latencies and directions are relative to that.")
    lines.append("Window: \(window) frames; judged early for want of room: \(judgedEarly).")
    lines.append("")
    let header = ["VNI", "WAY", "MATCHED", "LOST", "DUPLICATED", "REORDERED", "BY-BYTES", "P50-US", "P99-US", "MAX-US"]
    lines += Self.table([header] + ways.map(\.columns))
    for way in ways { lines += way.histogram(width: Self.barWidth) }
    lines += ["", "Verdict: \(verdict)", ""]
    return lines.joined(separator: "\n")
  }

  private static func table(_ rows: [[String]]) -> [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      zip(row, widths).map { text, width in text + String(repeating: " ", count: width - text.count) }
        .joined(separator: "  ")
    }
  }
}

extension ComparisonReport.Way {
  fileprivate var columns: [String] {
    [vni.map(String.init) ?? "-", direction]
      + [matched, lost, duplicated, reordered, equalByBytes].map(String.init)
      + [latency?.medianNanoseconds, latency?.share99Nanoseconds, latency?.mostNanoseconds].map {
        $0.map { String($0 / 1_000) } ?? "-"
      }
  }

  fileprivate func histogram(width: Int) -> [String] {
    guard let latency, let most = latency.histogram.map(\.count).max() else { return [] }
    let title = "\nLatency of \(vni.map { "VNI \($0)" } ?? "all segments"), \(direction):"
    return [title]
      + latency.histogram.map { step in
        let bar = String(repeating: "#", count: max(1, Int(step.count * UInt64(width) / most)))
        return "  " + (step.upToNanoseconds.map { "<= \($0 / 1_000) us" } ?? "more") + "  \(step.count)  \(bar)"
      }
  }
}
