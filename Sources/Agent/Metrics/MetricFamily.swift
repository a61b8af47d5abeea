/// Samples of one meaning, as a scraper takes them: the name, what it is and what it counts.
package struct MetricFamily: Equatable, Sendable {
  package enum Kind: String, Sendable {
    /// A sum since the start that never goes back.
    case counter
    /// What is at the moment.
    case gauge
    /// Here: `_sum` and `_count` of what was observed, without quantiles.
    case summary
  }

  package let name: String
  package let kind: Kind
  /// One sentence.
  package let help: String
  package let samples: [MetricSample]

  package init(_ name: String, _ kind: Kind, _ help: String, _ samples: [MetricSample]) {
    self.name = name
    self.kind = kind
    self.help = help
    self.samples = samples
  }
}

/// One value of a family.
package struct MetricSample: Equatable, Sendable {
  package enum Value: Equatable, Sendable {
    case count(UInt64)
    case level(Double)
  }

  /// Appended to the family's name: `_sum` or `_count` of a summary; otherwise empty.
  package var suffix = ""
  /// In the order in which they are written.
  package var labels: [MetricLabel]
  package var value: Value

  package init(_ count: UInt64, _ labels: [MetricLabel] = [], suffix: String = "") {
    self.value = .count(count)
    self.labels = labels
    self.suffix = suffix
  }

  package init(level: Double, _ labels: [MetricLabel] = []) {
    self.value = .level(level)
    self.labels = labels
  }

  package init(_ flag: Bool, _ labels: [MetricLabel] = []) {
    self.init(flag ? 1 : 0, labels)
  }
}

/// Which of its kind a sample is of.
package struct MetricLabel: Equatable, Sendable {
  package let name: String
  package let value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}
