import Glibc

/// Prints measurements for people or for programs.
enum MeasurementTable {
  /// Two-space columns under an upper-case header.
  static func print(_ measurements: [Measurement]) {
    let header = ["OPERATION", "NS/OP", "MIN", "MAX", "ALLOCATIONS/OP"]
    let rows = measurements.map { measurement in
      [
        measurement.name, text(measurement.median), text(measurement.least), text(measurement.most),
        allocations(measurement),
      ]
    }
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    for row in [header] + rows {
      let cells = row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + padding : padding + row[column]
      }
      Swift.print(cells.joined(separator: "  "))
    }
  }

  /// One JSON object a line.
  static func printJSON(_ measurements: [Measurement]) {
    for measurement in measurements {
      Swift.print(
        """
        {"operation":"\(measurement.name)",\
        "nanoseconds":\(text(measurement.median, digitCount: 3)),\
        "nanoseconds-min":\(text(measurement.least, digitCount: 3)),\
        "nanoseconds-max":\(text(measurement.most, digitCount: 3)),\
        "allocations":\(measurement.allocations),\
        "allocations-max":\(measurement.allocationsMax),\
        "rounds":\(measurement.roundCount),"operations-per-round":\(measurement.operationCount)}
        """)
    }
  }

  /// With so many digits after the point, and without Foundation.
  private static func text(_ number: Double, digitCount: Int = 1) -> String {
    let scale = (0..<digitCount).reduce(UInt64(1)) { product, _ in product * 10 }
    let scaled = UInt64((number * Double(scale)).rounded())
    let fraction = String(scaled % scale)
    return "\(scaled / scale)." + String(repeating: "0", count: digitCount - fraction.count) + fraction
  }

  private static func allocations(_ measurement: Measurement) -> String {
    let number = measurement.allocations == 0 ? "0" : text(measurement.allocations, digitCount: 6)
    return measurement.isWithinAllocations ? number : number + " (too many)"
  }
}
