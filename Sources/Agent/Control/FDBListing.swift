import VXLAN

/// Lists the forwarding tables:
///
///     GET /v1/fdb?vni=N           all entries, where one answer can hold them; else the refusal says how to ask
///     GET /v1/fdb?vni=N&after=    the first page of them
///
/// Every answer is a list. While more follows, the header field `Link` has the target of the next page, whose `after=`
/// is an `FDBCursor`. `vni=N` is left out for all segments.
struct FDBListing {
  private static let path = "/v1/fdb"

  let source: any ReportSource

  /// - Parameter after: the cursor, empty for the first page, nil when the answer must be whole.
  func answer(vni: VNI?, after: String?) throws(ControlError) -> ControlResponse {
    let page = try source.fdbPage(vni: vni, after: try Self.cursor(after))
    var response = ControlResponse(report: page.entries)
    guard let next = page.next else { return response }
    let filter = vni.map { "vni=\($0)&" } ?? ""
    guard after != nil else {
      throw ControlError(
        .tooManyEntries,
        "there are more than the \(ControlLimits.pageEntryCountMax) entries that one answer holds; ask for pages, from "
          + "\(Self.path)?\(filter)after= on, each time with what the header field Link names as next")
    }
    response.next = "\(Self.path)?\(filter)after=\(ControlRequest.encode(next.description))"
    return response
  }

  private static func cursor(_ text: String?) throws(ControlError) -> FDBCursor? {
    guard let text, !text.isEmpty else { return nil }
    guard let cursor = FDBCursor(text) else {
      throw ControlError(.badQuery, "after must be empty, or what the header field Link of the last answer says")
    }
    return cursor
  }
}
