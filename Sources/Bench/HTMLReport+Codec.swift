// The section of the data path in memory: plain, and for each cipher.
extension HTMLReport {
  /// What one chart shows of the codec.
  private struct CodecQuantity {
    let caption: String
    let unit: String
    /// From frames, or from bytes, a second.
    let scale: Double
    let isBytes: Bool

    func factor(_ result: Measurement) -> Double { scale * (isBytes ? Double(result.frameBytes ?? 0) : 1) }
  }

  private static let codecQuantities = [
    CodecQuantity(caption: "Frames a second", unit: "M frame/s", scale: 1e-6, isBytes: false),
    CodecQuantity(caption: "Bytes a second", unit: "GB/s", scale: 1e-9, isBytes: true),
  ]

  func addCodec(to main: inout Markup) {
    let results = report.results.filter { $0.underlay == .none && !$0.samples.isEmpty }
    guard !results.isEmpty else { return }
    let ciphers = [nil] + report.ciphers(of: .codecSealed)
    let figures = ciphers.flatMap { cipher in
      Self.codecQuantities.compactMap { quantity in
        // One scale for plain and sealed: what is twice as high is twice as much.
        let most = results.map { $0.max * quantity.factor($0) }.max() ?? 0
        return codecFigure(quantity, cipher: cipher, .linear(to: most))
      }
    }
    addSection(
      "The data path in memory",
      "More is better. On one core, by its processor time, without a kernel; frames of a superframe are its segments.",
      to: &main
    ) { section in
      let isSealed = ciphers.count > 1
      HTMLReportFigure.addAll(
        figures,
        legend: [
          ("out", isSealed ? "encapsulate, seal" : "encapsulate"),
          ("back", isSealed ? "decapsulate, open" : "decapsulate"),
        ], to: &section)
    }
  }

  private func codecFigure(_ quantity: CodecQuantity, cipher: String?, _ scale: ChartScale) -> HTMLReportFigure? {
    let rows = CodecRow.all(of: report, cipher: cipher)
    guard !rows.isEmpty else { return nil }
    let caption = quantity.caption + (cipher.map { ", sealed with \($0)" } ?? "")
    let series = [("out", 0), ("back", 1)].map { colour, way in
      ChartBars.Series(colour: colour, bars: rows.map { codecBar($0.results[way], quantity) })
    }
    let svg = ChartBars(
      title: "Codec. \(caption).",
      description: "Bars for encapsulation and decapsulation, in \(quantity.unit); the numbers are in the table below.",
      unit: quantity.unit, groups: rows.map(\.name), series: series, scale: scale
    ).svg
    return HTMLReportFigure(caption: caption, chart: svg, table: codecTable(caption, cipher: cipher))
  }

  private func codecBar(_ result: Measurement?, _ quantity: CodecQuantity) -> ChartBars.Bar? {
    guard let result, !result.samples.isEmpty else { return nil }
    let factor = quantity.factor(result)
    guard factor > 0 else { return nil }
    let title = result.cipher == nil ? result.workload.title : result.workload.sealedTitle
    return ChartBars.Bar(
      value: result.median * factor, least: result.min * factor, most: result.max * factor,
      tip: "\(title): \(Quantity.text(result.median * factor)) \(quantity.unit)")
  }
}

/// The codec's results for one size of frame, both ways.
struct CodecRow {
  var name: String
  /// Encapsulation, decapsulation.
  var results: [Measurement?]

  /// Those that have a result.
  static func all(of report: BenchReport, cipher: String?) -> [CodecRow] {
    let rows: [(String, Workload, Workload)] = [
      ("64 B", .encapsulate64, .decapsulate64), ("512 B", .encapsulate512, .decapsulate512),
      ("1400 B", .encapsulate1400, .decapsulate1400),
      ("superframe", .encapsulateSuperframe, .decapsulateSuperframe),
    ]
    return rows.map { name, out, back in
      CodecRow(name: name, results: [out, back].map { report.codec($0, cipher: cipher) })
    }.filter { $0.results.contains { $0 != nil } }
  }
}
