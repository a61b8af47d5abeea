import VXLAN

/// What a running agent can tell about itself.
///
/// Called off the event loop, one call at a time; a slow answer delays only other answers.
package protocol ReportSource: Sendable {
  func statusReport() throws(ControlError) -> StatusReport
  /// - Throws: `unknown-vni` when `vni` is given and the agent has no such segment.
  func segmentReports(vni: VNI?) throws(ControlError) -> [SegmentReport]
  /// The entries behind `cursor`, or the first ones; `ControlLimits.pageEntryCountMax` at most.
  /// - Throws: `unknown-vni` when `vni` is given and the agent has no such segment, `bad-query` when `cursor` is of
  ///   none that is listed.
  func fdbPage(vni: VNI?, after cursor: FDBCursor?) throws(ControlError) -> FDBPage
  func peerReports() throws(ControlError) -> [PeerReport]
  func statsReport() throws(ControlError) -> StatsReport
  func dropsReport() throws(ControlError) -> DropsReport
  /// - Throws: `unknown-peer` when there is none of this name, `path-too-small` when nothing fits on its path.
  func mtuReport(peer name: String) throws(ControlError) -> MTUReport
  /// Calls `body` while no peer and no segment comes or goes.
  func whileUnchanged(_ body: () throws(ControlError) -> ControlResponse) throws(ControlError) -> ControlResponse
}

extension ReportSource {
  /// As for a source in which nothing comes or goes.
  package func whileUnchanged(
    _ body: () throws(ControlError) -> ControlResponse
  ) throws(ControlError) -> ControlResponse {
    try body()
  }
}

/// The resources of the control socket, version 1: `GET /v1/{status,segments,fdb,peers,stats,drops,mtu}`.
///
/// Tables, peers and segments can be changed and events waited for, where the agent gives means: `FDBResource`,
/// `ChangeResource`, `EventsResource`.
///
/// `segments` and `fdb` take `?vni=N`, `fdb` takes `after=` as well (`FDBListing`), `mtu` needs `?peer=NAME`; any other
/// key of a query is refused, so that a misspelt filter is no full list.
package struct ControlAPI: Sendable {
  private enum Resource: String, CaseIterable {
    case status, segments, fdb, peers, stats, drops, mtu

    /// The keys that its query may have, each with what it is set to.
    var filters: KeyValuePairs<String, String> {
      switch self {
      case .fdb: ["vni": "N", "after": "CURSOR"]
      case .segments: ["vni": "N"]
      case .mtu: ["peer": "NAME"]
      case .status, .peers, .stats, .drops: [:]
      }
    }
  }

  private let source: any ReportSource
  private let table: FDBResource?
  private let events: EventsResource?
  private let changes: ChangeResource?

  package init(
    source: any ReportSource, table: (any FDBControl)? = nil, events: (any EventSource)? = nil,
    changes: (any ChangeControl)? = nil
  ) {
    self.source = source
    self.table = table.map(FDBResource.init)
    self.events = events.map(EventsResource.init)
    self.changes = changes.map(ChangeResource.init)
  }

  /// Answers one request; never fails, since a failure is an answer too.
  package func answer(_ request: ControlRequest) -> ControlResponse {
    do {
      return try report(for: request)
    } catch {
      var response = ControlResponse(failure: error)
      let methods = changes.flatMap { _ in ChangeResource.methods(of: request.path) }
      response.allow = methods?.joined(separator: ", ") ?? FDBResource.methods(of: request.path)
      return response
    }
  }

  private func report(for request: ControlRequest) throws(ControlError) -> ControlResponse {
    // It waits for the thread that changes peers and segments, and so must not keep it from that.
    if let answer = try changes?.answer(request) { return answer }
    return try source.whileUnchanged { () throws(ControlError) in try stable(request) }
  }

  private func stable(_ request: ControlRequest) throws(ControlError) -> ControlResponse {
    if let answer = try table?.answer(request) { return answer }
    if let answer = try events?.answer(request) { return answer }
    guard let resource = Self.resource(at: request.path) else {
      let more =
        (table == nil ? [] : FDBResource.paths) + (events == nil ? [] : [EventsResource.path])
        + (changes == nil ? [] : ChangeResource.paths)
      let known = (Resource.allCases.map { "/v1/" + $0.rawValue } + more).joined(separator: ", ")
      throw ControlError(.notFound, "no such resource; there are \(known)")
    }
    guard request.method == "GET" else {
      throw ControlError(.methodNotAllowed, "/v1/\(resource.rawValue) answers GET only")
    }
    try Self.refuseOtherFilters(of: request, for: resource)
    let vni = try Self.vni(in: request)
    return switch resource {
    case .status: ControlResponse(report: try source.statusReport())
    case .segments: ControlResponse(report: try source.segmentReports(vni: vni))
    case .fdb: try FDBListing(source: source).answer(vni: vni, after: request.query["after"])
    case .peers: ControlResponse(report: try source.peerReports())
    case .stats: ControlResponse(report: try source.statsReport())
    case .drops: ControlResponse(report: try source.dropsReport())
    case .mtu: ControlResponse(report: try source.mtuReport(peer: try Self.peer(in: request)))
    }
  }

  private static func resource(at path: String) -> Resource? {
    guard path.hasPrefix("/v1/") else { return nil }
    return Resource(rawValue: String(path.dropFirst("/v1/".count)))
  }

  private static func refuseOtherFilters(of request: ControlRequest, for resource: Resource) throws(ControlError) {
    let filters = resource.filters
    guard request.query.keys.allSatisfy({ key in filters.contains { $0.key == key } }) else {
      let taken = filters.map { "\($0)=\($1)" }.joined(separator: ", ")
      let all = taken.isEmpty ? "no query" : "\(taken) and nothing else"
      throw ControlError(.badQuery, "/v1/\(resource.rawValue) takes \(all)")
    }
  }

  private static func vni(in request: ControlRequest) throws(ControlError) -> VNI? {
    guard let text = request.query["vni"] else { return nil }
    guard let number = UInt32(text), let vni = VNI(number) else {
      throw ControlError(.badQuery, "vni must be a whole number from 0 to \(VNI.maximum)")
    }
    return vni
  }

  private static func peer(in request: ControlRequest) throws(ControlError) -> String {
    guard let name = request.query["peer"] else { throw ControlError(.badQuery, "/v1/mtu needs peer=NAME") }
    return name
  }
}
