/// Sums over the few samples of a run.
package enum Statistics {
  /// The middle of the samples in order, of two middles their mean; nil of nothing.
  package static func median(_ samples: [Double]) -> Double? {
    guard !samples.isEmpty else { return nil }
    let ordered = samples.sorted()
    let middle = ordered.count / 2
    guard ordered.count.isMultiple(of: 2) else { return ordered[middle] }
    return (ordered[middle - 1] + ordered[middle]) / 2
  }
}
