import FoundationEssentials

/// What is found in one capture, for programs and, as `text`, for people.
package struct VerifyReport: Sendable {
  package enum Verdict: String, Codable, Sendable { case pass, fail }

  /// One rule that is broken.
  package struct RuleCount: Equatable, Encodable, Sendable {
    package let rule: String
    package let severity: String
    package let count: Int
  }

  /// As it was named; an interface for a live capture.
  package let file: String
  package let verdict: Verdict
  package let counts: JudgeCounts
  /// In the order of the packets, at most `FindingList.keptCountMax` of each rule.
  package let findings: [Finding]
  /// Of the rules that are broken, all findings.
  package let rules: [RuleCount]
  /// In ascending order.
  package let segments: [SegmentTally]
  /// In the order of their coming.
  package let peers: [PeerTally]
  /// What `--expect` named and is not there.
  package let unmet: [String]
  /// What was remembered.
  package let window: VerifyWindow
  /// Why the capture ended early.
  package var message: String?
  /// Of a live capture, packets that the kernel had no room for: nobody has judged them.
  package var dropped: UInt32?

  /// Why not all of the capture was judged; nil: all was.
  package var incompleteness: String? {
    if let message { return "not read to the end: \(message)" }
    guard let dropped, dropped > 0 else { return nil }
    return "\(dropped) packets were dropped by the kernel, and nobody has judged them"
  }

  /// - Parameter isStrict: warnings count as errors.
  package init(
    _ judge: borrowing Judge, file: String, isStrict: Bool, expectations: [Expectation] = [], message: String? = nil
  ) {
    self.file = file
    self.message = message
    counts = judge.counts
    let list = judge.findings
    findings = list.kept
    rules = Rule.allCases.filter { list.count(of: $0) > 0 }.map {
      RuleCount(rule: $0.name, severity: $0.severity.rawValue, count: list.count(of: $0))
    }
    segments = judge.segments.sorted { $0.vni < $1.vni }
    peers = judge.peers
    window = VerifyWindow(judge)
    var unmet: [String] = []
    for expectation in expectations { unmet += expectation.unmet(judge) }
    self.unmet = unmet
    let errorCount = list.count(of: .error) + (isStrict ? list.count(of: .warning) : 0)
    verdict = errorCount == 0 && unmet.isEmpty ? .pass : .fail
  }
}

extension VerifyReport: Encodable {
  private enum CodingKeys: String, CodingKey {
    case file, packets, verdict, findings, segments, peers, rules, datagrams, offloaded, runs, opened, window, unmet
    case message, dropped
    case notJudged = "not-judged"
  }

  private enum NotJudgedKeys: String, CodingKey {
    case foreign, cut, superframes
    case withoutKey = "without-key"
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(file, forKey: .file)
    try container.encode(counts.packetCount, forKey: .packets)
    try container.encode(verdict, forKey: .verdict)
    try container.encode(findings, forKey: .findings)
    try container.encode(segments, forKey: .segments)
    try container.encode(peers, forKey: .peers)
    try container.encode(rules, forKey: .rules)
    try container.encode(counts.datagramCount, forKey: .datagrams)
    try container.encode(counts.offloadedCount, forKey: .offloaded)
    try container.encode(counts.runCount, forKey: .runs)
    try container.encode(counts.openedCount, forKey: .opened)
    try container.encode(window, forKey: .window)
    try container.encode(unmet, forKey: .unmet)
    try container.encodeIfPresent(message, forKey: .message)
    try container.encodeIfPresent(dropped, forKey: .dropped)
    var rest = container.nestedContainer(keyedBy: NotJudgedKeys.self, forKey: .notJudged)
    try rest.encode(counts.foreignCount, forKey: .foreign)
    try rest.encode(counts.cutCount, forKey: .cut)
    try rest.encode(counts.superframeCount, forKey: .superframes)
    try rest.encode(counts.keylessCount, forKey: .withoutKey)
  }
}
