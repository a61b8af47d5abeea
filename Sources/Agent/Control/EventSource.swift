/// Where a client of the control socket hears of events: `GET /v1/events`, then `GET /v1/events?after=NEXT` with the
/// `next` of the last answer, again and again. With `drops=yes` some of the frames that end are events too.
package protocol EventSource: Sendable {
  /// The events from number `after` on, as far as they are kept; nil: none, only the number of the next one.
  func events(after: UInt64?, withDrops: Bool) -> EventsReport
}

/// Answers requests for events. One that asks for what has not happened yet waits for some seconds.
struct EventsResource: Sendable {
  static let path = "/v1/events"

  let source: any EventSource

  /// Nil when the request is for another resource.
  func answer(_ request: ControlRequest) throws(ControlError) -> ControlResponse? {
    guard request.path == Self.path else { return nil }
    guard request.method == "GET" else {
      throw ControlError(.methodNotAllowed, "\(Self.path) answers GET only")
    }
    let after = request.query["after"].map { UInt64($0) }
    let drops = request.query["drops"] ?? "no"
    guard request.query.keys.allSatisfy({ ["after", "drops"].contains($0) }), after != .some(nil),
      ["yes", "no"].contains(drops)
    else { throw ControlError(.badQuery, "\(Self.path) takes after=NUMBER, drops=yes or drops=no, and nothing else") }
    let report = source.events(after: after ?? nil, withDrops: drops == "yes")
    var response = ControlResponse(report: report)
    response.isPending = after != nil && report.events.isEmpty && report.lost == 0
    return response
  }
}
