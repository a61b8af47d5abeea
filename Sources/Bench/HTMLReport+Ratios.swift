// What the page opens with: a few numbers in large, and how vtep compares.
extension HTMLReport {
  /// Tiles with vtep's results, or those of the one candidate that there is, on the first underlay.
  func addSummary(to main: inout Markup) {
    guard let underlay = report.underlays.first else { return }
    let candidates = report.candidates(on: underlay)
    guard let candidate = candidates.contains(.vtep) ? .vtep : candidates.last else { return }
    let results = [Workload.tcp1, .tcp4, .udp1400, .rtt].compactMap { report.measurement(candidate, $0, underlay) }
      .filter { !$0.samples.isEmpty }
    guard !results.isEmpty else { return }
    addSection("At a glance", "\(candidate.title). \(underlay.title).", to: &main) { section in
      section.element("ul", ["class": "tiles"]) { tiles in
        for result in results { addTile(result, to: &tiles) }
      }
    }
  }

  private func addTile(_ result: Measurement, to tiles: inout Markup) {
    tiles.element("li") { tile in
      tile.element("span", ["class": "what"], result.workload == .rtt ? "round trip, p50" : result.workload.title)
      tile.element("span", ["class": "number"]) { number in
        number.add(Quantity.text(result.unit.scaled(result.median)))
        number.element("small", [:], " " + result.unit.title)
      }
      for base in Candidate.bases where base != result.candidate {
        guard
          let ratio = report.ratio(
            of: result.candidate, to: base, workload: result.workload, underlay: result.underlay)
        else { continue }
        tile.element("span", ["class": "beside"], "\(Quantity.text(ratio))× the \(base.title)’s")
      }
    }
  }

  /// A chart for each underlay against the kernel, or the raw underlay where the kernel was not measured, and the table
  /// of all ratios.
  func addRatios(to main: inout Markup) {
    let table = ratioTable()
    guard !table.rows.isEmpty else { return }
    let base = Candidate.bases.first { base in
      report.underlays.contains { underlay in !rows(to: base, on: underlay).isEmpty }
    }
    addSection(
      "vtep beside the others",
      "Medians of the ratios of each round, in which all were measured in turn; whiskers from the least to the most.",
      to: &main
    ) { section in
      if let base { addRatioCharts(to: base, &section) }
      section.element("details", ["class": base == nil ? "wide" : "wide after"]) { details in
        details.element("summary", [:], "All ratios as a table")
        table.add(to: &details)
      }
    }
  }

  private func addRatioCharts(to base: Candidate, _ section: inout Markup) {
    let charted = report.underlays.map { (underlay: $0, rows: rows(to: base, on: $0)) }.filter { !$0.rows.isEmpty }
    let dots = charted.flatMap { $0.rows.flatMap(\.dots) }
    let scale = ChartScale.ratio(from: dots.map(\.least).min() ?? 1, to: dots.map(\.most).max() ?? 1)
    let shown = Candidate.compared.filter { candidate in
      charted.contains { report.candidates(on: $0.underlay).contains(candidate) }
    }
    section.element("ul", ["class": "legend"]) { list in
      for candidate in shown {
        list.element("li") { item in
          item.element("span", ["class": "swatch \(candidate.rawValue)"])
          item.add("\(candidate.title), 1× = \(base.title)")
        }
      }
    }
    section.element("div", ["class": "figures"]) { figures in
      for (underlay, rows) in charted {
        let chart = ChartRatios(
          title: "vtep beside the \(base.title). \(underlay.title).",
          description: "A dot for each workload on a logarithmic axis of ratios; the numbers are in the table below.",
          base: base.title, rows: rows, scale: scale)
        figures.element("figure") { figure in
          figure.element("figcaption", [:], underlay.title)
          figure.addVerbatim(chart.svg.text)
        }
      }
    }
  }

  private func rows(to base: Candidate, on underlay: Underlay) -> [ChartRatios.Row] {
    report.workloads(on: underlay).compactMap { workload in
      let dots = Candidate.compared.compactMap { candidate -> ChartRatios.Dot? in
        let ratios = report.roundRatios(of: candidate, to: base, workload: workload, underlay: underlay)
        guard let ratio = Statistics.median(ratios), let least = ratios.min(), let most = ratios.max() else {
          return nil
        }
        return ChartRatios.Dot(
          colour: candidate.rawValue, ratio: ratio, least: least, most: most,
          tip: "\(candidate.title), \(workload.title): \(Quantity.text(ratio)) of the \(base.title)")
      }
      guard !dots.isEmpty else { return nil }
      return ChartRatios.Row(
        name: workload.title, remark: workload == .rtt ? "less is better" : "", dots: dots)
    }
  }

  private func ratioTable() -> HTMLReportTable {
    let pairs = Candidate.compared.flatMap { candidate in Candidate.bases.map { (candidate, $0) } }.filter { pair in
      report.results.contains { $0.candidate == pair.0 } && report.results.contains { $0.candidate == pair.1 }
    }
    var table = HTMLReportTable(
      caption: "Ratios: medians over the rounds. Of round trips less is better, of the rest more.",
      titles: ["", "underlay"] + pairs.map { "\($0.title) / \($1.title)" }, wordCount: 2)
    for underlay in report.underlays {
      for workload in report.workloads(on: underlay) {
        let ratios = pairs.map { report.ratio(of: $0, to: $1, workload: workload, underlay: underlay) }
        guard ratios.contains(where: { $0 != nil }) else { continue }
        table.append([workload.title, underlay.shortTitle] + ratios.map { $0.map(Quantity.text) ?? "" })
      }
    }
    return table
  }
}
