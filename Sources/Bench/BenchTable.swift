/// A report as text for people, at most 100 columns wide: what was measured, how vtep compares, what it cost, and why
/// something is missing. Programs read the JSON, which is stable; this may change.
package struct BenchTable {
  private static let columnCountMax = 100

  private let report: BenchReport
  private let isColoured: Bool

  /// - Parameter isColoured: whether to use the terminal's styles.
  package init(_ report: BenchReport, isColoured: Bool) {
    self.report = report
    self.isColoured = isColoured
  }

  /// The whole text, ended by a newline.
  package var text: String {
    var blocks = [heading]
    for underlay in report.underlays {
      let title = TextGrid.styled(underlay.title, .bold, isColoured: isColoured) + "\n"
      let grids = [measured(on: underlay), compared(on: underlay), costs(on: underlay)].filter { !$0.isEmpty }
      blocks.append(([title] + grids.map { $0.text(isColoured: isColoured) }).joined(separator: "\n"))
    }
    let codec = CodecTable(report).grids.map { $0.text(isColoured: isColoured) }
    if !codec.isEmpty { blocks.append(codec.joined(separator: "\n") + CodecTable.explanation) }
    let isNothing = blocks.count == 1
    if isNothing { blocks.append("Nothing was measured.\n") }
    if !report.notes.isEmpty {
      blocks.append(report.notes.map { "\($0.subject): \($0.note)\n" }.joined())
    }
    return blocks.joined(separator: "\n")
  }

  private var heading: String {
    let machine = report.machine
    let traffic = report.underlays.isEmpty ? "" : "; traffic: \(report.generatorTitle)"
    let ciphers = report.ciphers(of: .vtepSealed)
    let sealing = ciphers.isEmpty ? "" : "\nvtep-sealed: sealed with \(ciphers.joined(separator: ", "))"
    let rounds = "\(Quantity.count(report.rounds, "round")) of \(Quantity.setting(report.seconds)) s"
    return """
      vtep \(report.version) on \(machine.cpuModel), \(Quantity.count(machine.cores, "core")), \
      \(Quantity.memory(machine.memoryBytes)), Linux \(machine.kernel)
      \(report.started): \(rounds), medians (min–max)\(traffic)\(sealing)

      """
  }

  /// Rows are workloads, columns candidates. Without least and most where there are none, or no room for them.
  private func measured(on underlay: Underlay) -> TextGrid {
    let hasSpread = report.results.contains { $0.underlay == underlay && !$0.spreadText.isEmpty }
    let grid = hasSpread ? measured(on: underlay, withSpread: true) : nil
    if let grid, grid.width <= Self.columnCountMax { return grid }
    return measured(on: underlay, withSpread: false)
  }

  private func measured(on underlay: Underlay, withSpread isSpread: Bool) -> TextGrid {
    let candidates = report.candidates(on: underlay)
    let titles = candidates.flatMap { candidate -> [TextGrid.Cell] in
      isSpread ? [.word(""), .aside(candidate.rawValue)] : [.number(candidate.rawValue)]
    }
    var grid = TextGrid(titles: [.word("measured"), .word("unit")] + titles)
    for workload in report.workloads(on: underlay) {
      let results = candidates.map { report.measurement($0, workload, underlay) }
      guard let unit = results.lazy.compactMap({ $0?.unit }).first else { continue }
      func append(_ name: String, _ unit: String, _ value: (Measurement) -> String?, isSpread hasAside: Bool = false) {
        let values = results.map { $0.flatMap(value) }
        guard hasAside || values.contains(where: { $0 != nil }) else { return }
        let cells = zip(values, results).flatMap { text, result -> [TextGrid.Cell] in
          let number = TextGrid.Cell.number(text ?? "")
          return isSpread ? [number, .aside(hasAside ? result?.spreadText ?? "" : "")] : [number]
        }
        grid.append([.word(name), .word(unit)] + cells)
      }
      append(workload.title, unit.title, { $0.scaledMedian.map(Quantity.text) }, isSpread: true)
      // Round trips are hardly ever lost, so only what was lost is worth a row.
      if workload != .rtt || results.contains(where: { $0?.loss ?? 0 > 0 }) {
        append("  lost", "%", \.lossText)
      }
      for (name, percentile) in Measurement.Percentiles.beyondMedian {
        append("  " + name, unit.title, { $0.percentiles.map { Quantity.text(unit.scaled($0[keyPath: percentile])) } })
      }
    }
    return grid
  }

  /// Rows are workloads, columns pairs of candidates.
  private func compared(on underlay: Underlay) -> TextGrid {
    let candidates = report.candidates(on: underlay)
    let pairs = Candidate.compared.filter(candidates.contains).flatMap { candidate in
      Candidate.bases.filter(candidates.contains).map { (candidate, $0) }
    }
    var grid = TextGrid(
      titles: [.word("ratio")] + pairs.map { .number("\($0.rawValue)/\($1.rawValue)") } + [.word("")])
    for workload in report.workloads(on: underlay) {
      let ratios = pairs.map { report.ratio(of: $0, to: $1, workload: workload, underlay: underlay) }
      guard ratios.contains(where: { $0 != nil }) else { continue }
      let isLessBetter = workload == .rtt
      let cells = ratios.map { ratio -> TextGrid.Cell in
        guard let ratio else { return .number("") }
        return .number(Quantity.text(ratio), (isLessBetter ? ratio <= 1 : ratio >= 1) ? .good : .plain)
      }
      grid.append([.word(workload.title)] + cells + [.word(isLessBetter ? "less is better" : "", .dim)])
    }
    return grid
  }

  /// Rows are the results that have a cost to show.
  private func costs(on underlay: Underlay) -> TextGrid {
    var grid = TextGrid(
      titles: [
        .word("cost"), .word("candidate"), .number("own s/GB"), .number("machine s/GB"), .number("seg/send"),
        .number("seg/receive"), .number("seg/TAP write"),
      ])
    for workload in report.workloads(on: underlay) {
      var title = workload.title
      for candidate in report.candidates(on: underlay) {
        guard let result = report.measurement(candidate, workload, underlay), result.hasCost else { continue }
        let numbers = [
          result.cpuSecondsPerGigabyte?.own, result.cpuSecondsPerGigabyte?.machine, result.segmentsPerSend,
          result.segmentsPerReceive, result.segmentsPerTapWrite,
        ]
        grid.append(
          [.word(title), .word(candidate.rawValue)] + numbers.map { .number($0.map(Quantity.text) ?? "") })
        title = ""
      }
    }
    return grid
  }
}

extension BenchReport {
  /// Who made the traffic, for people.
  var generatorTitle: String { generator == "own" ? "vtep's own generator" : generator }
}

extension Measurement {
  /// The loss in per cent; of round trips, of which a second has many thousands, in three digits.
  var lossText: String? { loss.map { workload == .rtt ? Quantity.text($0 * 100) : Quantity.percentage($0) } }

  /// Whether it says what the traffic cost.
  var hasCost: Bool {
    let times = [cpuSecondsPerGigabyte?.own, cpuSecondsPerGigabyte?.machine]
    return (times + [segmentsPerSend, segmentsPerReceive, segmentsPerTapWrite]).contains { $0 != nil }
  }
}

extension Measurement.Percentiles {
  /// All but the median, which is the result itself.
  static var beyondMedian: [(name: String, KeyPath<Self, Double>)] { Array(all.dropFirst()) }

  /// From the least to the most.
  static var all: [(name: String, KeyPath<Self, Double>)] {
    [("p50", \.p50), ("p90", \.p90), ("p99", \.p99), ("p99.9", \.p999), ("max", \.max)]
  }
}
