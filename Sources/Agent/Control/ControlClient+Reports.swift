extension ControlClient {
  /// The report that the agent answers to `GET target`.
  /// - Throws: as `get`; `bad-answer` when the agent is of another version and the report is not understood.
  package func report<Report: Decodable>(_ target: String, as type: Report.Type) throws(ControlError) -> Report {
    let answer = try get(target)
    guard let report = try? ReportJSON.decode(type, from: answer) else {
      throw ControlError(
        .badAnswer, "the agent is of another version than this program, and its answer to \(target) is not understood")
    }
    return report
  }
}
