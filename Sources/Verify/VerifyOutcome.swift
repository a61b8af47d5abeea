/// What became of one capture: a report, or the reason why there is none.
package enum VerifyOutcome: Sendable {
  case judged(VerifyReport)
  /// It could not be opened, or not even its first packet be read.
  case unread(file: String, message: String)

  package var report: VerifyReport? {
    if case .judged(let report) = self { report } else { nil }
  }

  var file: String {
    switch self {
    case .judged(let report): report.file
    case .unread(let file, _): file
    }
  }

  /// Why not all of it was judged; nil: all was.
  package var incompleteness: String? {
    switch self {
    case .judged(let report): report.incompleteness
    case .unread(_, let message): message
    }
  }
}

extension VerifyOutcome: Encodable {
  private enum CodingKeys: CodingKey { case file, packets, findings, segments, peers, message }

  /// What was not read has the fields of a report that every capture has, but for the verdict.
  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .judged(let report): try report.encode(to: encoder)
    case .unread(let file, let message):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(file, forKey: .file)
      try container.encode(0, forKey: .packets)
      for key in [CodingKeys.findings, .segments, .peers] { try container.encode([String](), forKey: key) }
      try container.encode(message, forKey: .message)
    }
  }
}
