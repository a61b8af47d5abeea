/// Findings as they come: all are counted, the first of each rule are kept.
package struct FindingList: Sendable {
  /// Of each rule. With all rules broken everywhere some 4 MB.
  package static let keptCountMax = 1000

  /// By rule.
  package private(set) var counts = [Int](repeating: 0, count: Rule.allCases.count)
  /// In the order of the packets.
  package private(set) var kept: [Finding] = []

  package init() {}

  /// Counts a finding. `detail` is made only for those that are kept.
  mutating func add(_ rule: Rule, packet: Int, _ detail: () -> String) {
    counts[rule.rawValue] += 1
    guard counts[rule.rawValue] <= Self.keptCountMax else { return }
    kept.append(Finding(rule: rule, packet: packet, detail: detail()))
  }

  package func count(of rule: Rule) -> Int { counts[rule.rawValue] }
  package func count(of severity: Severity) -> Int {
    Rule.allCases.filter { $0.severity == severity }.reduce(0) { $0 + count(of: $1) }
  }
}
