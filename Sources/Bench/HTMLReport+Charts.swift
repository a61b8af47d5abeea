// The sections of the page that have charts. A section is left out when nothing of it was measured or noted.
extension HTMLReport {
  private static let streams: [Workload] = [.tcp1, .tcp4, .tcp1Reverse]
  private static let packets: [Workload] = [.udp64, .udp512, .udp1400]

  func addThroughput(to main: inout Markup) {
    addRates(
      "TCP throughput", "More is better. Payload that arrived; whiskers from the slowest to the fastest round.",
      Self.streams, to: &main)
  }

  func addPacketRates(to main: inout Markup) {
    addRates(
      "UDP packet rate", "More is better. Datagrams that arrived, by their payload.", Self.packets, to: &main)
  }

  private func addRates(_ title: String, _ remark: String, _ workloads: [Workload], to main: inout Markup) {
    let underlays = underlays(with: workloads)
    guard !underlays.isEmpty else { return }
    let most = report.results.filter { workloads.contains($0.workload) }.map { $0.unit.scaled($0.max) }.max() ?? 0
    // One scale for all underlays: what is twice as high is twice as much.
    let scale = ChartScale.linear(to: most)
    let figures = underlays.map { underlay in
      let candidates = report.candidates(on: underlay)
      let workloads = workloads.filter(report.workloads(on: underlay).contains)
      let unit = report.results.first { workloads.contains($0.workload) }?.unit.title ?? ""
      let series = candidates.map { candidate in
        ChartBars.Series(
          colour: candidate.rawValue, bars: workloads.map { bar(report.measurement(candidate, $0, underlay)) })
      }
      let chart = ChartBars(
        title: "\(title). \(underlay.title).",
        description: "Bars for \(Self.list(candidates.map(\.title))), in \(unit); the numbers are in the table below.",
        unit: unit, groups: workloads.map(\.title), series: series, scale: scale)
      return HTMLReportFigure(
        caption: underlay.title, chart: chart.svg, table: ratesTable(title, workloads, underlay, unit: unit))
    }
    addSection(title, remark, to: &main) { section in
      HTMLReportFigure.addAll(figures, legend: legend(of: underlays), to: &section)
    }
  }

  private func bar(_ result: Measurement?) -> ChartBars.Bar? {
    guard let result, let median = result.scaledMedian else { return nil }
    let spread = result.spreadText.isEmpty ? "" : " " + result.spreadText
    return ChartBars.Bar(
      value: median, least: result.unit.scaled(result.min), most: result.unit.scaled(result.max),
      tip: "\(result.candidate.title), \(result.workload.title): \(Quantity.text(median)) \(result.unit.title)\(spread)"
    )
  }

  func addRoundTrips(to main: inout Markup) {
    let measured = report.results.filter { $0.workload == .rtt && $0.percentiles != nil }
    let times = measured.flatMap { result in
      Measurement.Percentiles.all.compactMap { name, path in
        result.percentiles.map { result.unit.scaled($0[keyPath: path]) }
      }
    }
    guard let least = times.min(), let most = times.max() else { return }
    let scale = ChartScale.logarithmic(from: least, to: most)
    let underlays = report.underlays.filter { underlay in measured.contains { $0.underlay == underlay } }
    let figures = underlays.map { underlay in
      let results = measured.filter { $0.underlay == underlay }
      let series = results.map { result in
        ChartPercentiles.Series(
          colour: result.candidate.rawValue, title: result.candidate.title, values: Self.percentiles(of: result))
      }
      let chart = ChartPercentiles(
        title: "Round trip. \(underlay.title).",
        description: "Percentiles for \(Self.list(results.map(\.candidate.title))) on a logarithmic axis of "
          + "microseconds; the numbers are in the table below.",
        unit: "µs", names: Measurement.Percentiles.all.map(\.name), series: series, scale: scale)
      return HTMLReportFigure(
        caption: underlay.title, chart: chart.svg, table: roundTripTable(results, underlay), isTableOpen: true)
    }
    addSection(
      "Round trip",
      "Less is better. One small datagram at a time; of all round trips of all rounds that were answered within 50 ms.",
      to: &main
    ) { section in
      HTMLReportFigure.addAll(figures, legend: legend(of: underlays), to: &section)
    }
  }

  static func percentiles(of result: Measurement) -> [Double] {
    guard let percentiles = result.percentiles else { return [] }
    return Measurement.Percentiles.all.map { result.unit.scaled(percentiles[keyPath: $0.1]) }
  }

  func addProcessorTime(to main: inout Markup) {
    let measured = report.results.filter { $0.underlay != .none && $0.processorTime != nil }
    guard !measured.isEmpty else { return }
    let underlays = report.underlays.filter { underlay in measured.contains { $0.underlay == underlay } }
    // TCP and UDP differ by orders of magnitude, so each has its own scale, the same on all underlays.
    let figures = [Self.streams, Self.packets].flatMap { family in
      let most = measured.filter { family.contains($0.workload) }.compactMap(\.processorTime).max() ?? 0
      return underlays.compactMap { underlay in
        let workloads = family.filter { workload in
          measured.contains { $0.underlay == underlay && $0.workload == workload }
        }
        return workloads.isEmpty ? nil : processorTimeFigure(workloads, underlay, .linear(to: most))
      }
    }
    addSection(
      "Processor time per gigabyte",
      "Less is better. The whole machine: both hosts, kernel, agents, and the programs that send and receive. "
        + "The strong part of vtep's bars is its agents' own.", to: &main
    ) { section in
      HTMLReportFigure.addAll(figures, legend: legend(of: underlays), to: &section)
    }
  }

  private func processorTimeFigure(
    _ workloads: [Workload], _ underlay: Underlay, _ scale: ChartScale
  ) -> HTMLReportFigure {
    let candidates = report.candidates(on: underlay)
    let series = candidates.map { candidate in
      ChartBars.Series(
        colour: candidate.rawValue,
        bars: workloads.map { workload -> ChartBars.Bar? in
          guard let result = report.measurement(candidate, workload, underlay), let all = result.processorTime else {
            return nil
          }
          let time = result.cpuSecondsPerGigabyte
          let own = time?.own.map { ", its agents \(Quantity.text($0))" } ?? ""
          return ChartBars.Bar(
            value: all, least: all, most: all, part: time?.machine == nil ? nil : time?.own,
            tip: "\(candidate.title), \(workload.title): \(Quantity.text(all)) s/GB\(own)")
        })
    }
    let chart = ChartBars(
      title: "Processor time per gigabyte. \(underlay.title).",
      description: "Bars for \(Self.list(candidates.map(\.title))), in seconds per gigabyte; the numbers are in the "
        + "table below.",
      unit: "s/GB", groups: workloads.map(\.title), series: series, scale: scale)
    return HTMLReportFigure(
      caption: underlay.title, chart: chart.svg, table: processorTimeTable(workloads, underlay))
  }

  private func underlays(with workloads: [Workload]) -> [Underlay] {
    report.underlays.filter { underlay in report.workloads(on: underlay).contains(where: workloads.contains) }
  }

  func legend(of underlays: [Underlay]) -> [(colour: String, title: String)] {
    let shown = underlays.flatMap { report.candidates(on: $0) }
    return Candidate.allCases.filter(shown.contains).map { ($0.rawValue, $0.title) }
  }

  /// `a, b and c`.
  static func list(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "nothing" }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }
}

extension Measurement {
  /// What a bar shows: the whole machine's time, or the agents' where that is all there is.
  var processorTime: Double? { cpuSecondsPerGigabyte.flatMap { $0.machine ?? $0.own } }
}
