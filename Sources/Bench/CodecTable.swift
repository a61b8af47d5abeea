/// The codec's results as text: what a core does in a second, and how long a frame takes.
struct CodecTable {
  static let explanation = """
    Frames on one core, by its processor time, without a kernel; a superframe's count as its segments.
    Bytes are those of the inner frames.

    """

  private let report: BenchReport

  init(_ report: BenchReport) {
    self.report = report
  }

  /// Plain, then for each cipher; none when the codec was not measured.
  var grids: [TextGrid] {
    ([nil] + report.ciphers(of: .codecSealed)).map(grid).filter { !$0.isEmpty }
  }

  /// Rows are workloads.
  private func grid(cipher: String?) -> TextGrid {
    let title = cipher.map { "sealed, \($0)" } ?? "codec"
    var grid = TextGrid(
      titles: [
        .word(title), .number("frame"), .number("ns/frame"), .aside(""), .number("kframe/s"), .number("GB/s"),
      ])
    for workload in report.workloads(on: .none) {
      guard let result = report.codec(workload, cipher: cipher) else { continue }
      let name = cipher == nil ? workload.title : workload.sealedTitle
      guard !result.samples.isEmpty, result.median > 0 else {
        grid.append([.word(name), .number(""), .number(""), .aside(""), .number(""), .number("")])
        continue
      }
      let size = result.frameBytes.map { "\($0) B" } ?? ""
      let bytes = result.frameBytes.map { Quantity.text(result.median * Double($0) / 1e9) } ?? ""
      grid.append([
        .word(name), .number(size), .number(Quantity.text(1e9 / result.median)),
        .aside(Self.spread(of: result)), .number(Quantity.text(result.median / 1e3)), .number(bytes),
      ])
    }
    return grid
  }

  /// Of the nanoseconds: the fastest round is the least.
  private static func spread(of result: Measurement) -> String {
    guard result.samples.count > 1, result.min > 0 else { return "" }
    return "(\(Quantity.text(1e9 / result.max))–\(Quantity.text(1e9 / result.min)))"
  }
}
