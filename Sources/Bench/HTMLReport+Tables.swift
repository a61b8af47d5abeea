// The numbers behind the charts, and what has no chart.
extension HTMLReport {
  func ratesTable(_ title: String, _ workloads: [Workload], _ underlay: Underlay, unit: String) -> HTMLReportTable {
    var table = HTMLReportTable(
      caption: "\(title), \(unit). \(underlay.title).",
      titles: ["", "candidate", "median", "least", "most"] + (hasLoss(workloads, underlay) ? ["lost, %"] : []),
      wordCount: 2)
    for workload in workloads {
      for candidate in report.candidates(on: underlay) {
        guard let result = report.measurement(candidate, workload, underlay) else { continue }
        let isMeasured = !result.samples.isEmpty
        let numbers = [result.median, result.min, result.max].map {
          isMeasured ? Quantity.text(result.unit.scaled($0)) : ""
        }
        let loss = hasLoss(workloads, underlay) ? [result.lossText ?? ""] : []
        table.append([workload.title, candidate.title] + numbers + loss)
      }
    }
    return table
  }

  private func hasLoss(_ workloads: [Workload], _ underlay: Underlay) -> Bool {
    report.results.contains { workloads.contains($0.workload) && $0.underlay == underlay && $0.loss != nil }
  }

  func roundTripTable(_ results: [Measurement], _ underlay: Underlay) -> HTMLReportTable {
    let hasLoss = hasLoss([.rtt], underlay)
    var table = HTMLReportTable(
      caption: "Round trip, µs. \(underlay.title).",
      titles: ["candidate"] + Measurement.Percentiles.all.map(\.name) + (hasLoss ? ["lost, %"] : []), wordCount: 1)
    for result in results {
      let loss = hasLoss ? [result.lossText ?? ""] : []
      table.append([result.candidate.title] + Self.percentiles(of: result).map(Quantity.text) + loss)
    }
    return table
  }

  func processorTimeTable(_ workloads: [Workload], _ underlay: Underlay) -> HTMLReportTable {
    var table = HTMLReportTable(
      caption: "Processor time, s/GB. \(underlay.title).",
      titles: ["", "candidate", "whole machine", "its agents"], wordCount: 2)
    for workload in workloads {
      for candidate in report.candidates(on: underlay) {
        guard let time = report.measurement(candidate, workload, underlay)?.cpuSecondsPerGigabyte else { continue }
        table.append(
          [workload.title, candidate.title] + [time.machine, time.own].map { $0.map(Quantity.text) ?? "" })
      }
    }
    return table
  }

  /// Segments per send, receive and TAP write: what explains the rest.
  func addBatches(to main: inout Markup) {
    let measured = report.results.filter(\.hasBatches)
    guard !measured.isEmpty else { return }
    var table = HTMLReportTable(
      caption: "Frames in one call, on average; medians of the rounds.",
      titles: ["", "underlay", "candidate", "per send", "per receive", "per TAP write"], wordCount: 3)
    for result in measured {
      let numbers = [result.segmentsPerSend, result.segmentsPerReceive, result.segmentsPerTapWrite]
      table.append(
        [result.workload.title, result.underlay.shortTitle, result.candidate.title]
          + numbers.map { $0.map(Quantity.text) ?? "" })
    }
    addSection(
      "Frames in one system call",
      "More is mostly better: each call costs more than the bytes in it. A superframe of N segments is N frames.",
      to: &main
    ) { table.add(to: &$0) }
  }

  func codecTable(_ caption: String, cipher: String?) -> HTMLReportTable {
    var table = HTMLReportTable(
      caption: "\(caption): one core, in memory.",
      titles: ["", "bytes of a frame", "ns a frame", "M frame/s", "least", "most", "GB/s"], wordCount: 1)
    for workload in report.workloads(on: .none) {
      guard let result = report.codec(workload, cipher: cipher) else { continue }
      let name = cipher == nil ? workload.title : workload.sealedTitle
      guard !result.samples.isEmpty, result.median > 0 else {
        table.append([name] + [String](repeating: "", count: 6))
        continue
      }
      let rates = [result.median, result.min, result.max].map { Quantity.text($0 / 1e6) }
      let bytes = result.frameBytes.map { Quantity.text(result.median * Double($0) / 1e9) } ?? ""
      table.append(
        [name, result.frameBytes.map(String.init) ?? "", Quantity.text(1e9 / result.median)] + rates
          + [bytes])
    }
    return table
  }
}

extension Measurement {
  /// Whether it says how many frames a call carried.
  var hasBatches: Bool { [segmentsPerSend, segmentsPerReceive, segmentsPerTapWrite].contains { $0 != nil } }
}

extension Underlay {
  /// In a cell.
  var shortTitle: String {
    switch self {
    case .transparent: "passes superframes"
    case .segmenting: "segments"
    case .none: "none"
    }
  }
}
