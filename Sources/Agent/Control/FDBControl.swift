import VXLAN

/// What a running agent lets people do to its forwarding tables, and tells of them.
///
/// Called off the event loop, one call at a time. Each throws `unknown-vni` or `unknown-peer` for what is not
/// configured.
package protocol FDBControl: Sendable {
  /// Sets a static entry; `replacing`: also in the place of another, static or learned.
  /// - Throws: `bad-entry` for what may be nobody's entry, `exists` when there is an entry already, `table-full`.
  func setEntry(_ mac: MACAddress, vni: VNI, peer: String, replacing: Bool) throws(ControlError) -> FDBReport
  /// Removes an entry of any state.
  /// - Throws: `unknown-mac` when there is none.
  func removeEntry(_ mac: MACAddress, vni: VNI) throws(ControlError) -> FDBReport
  /// Removes all dynamic entries of a segment.
  func flushEntries(vni: VNI) throws(ControlError) -> FlushReport
  func explain(_ mac: MACAddress, vni: VNI) throws(ControlError) -> FDBExplanation
}

/// How many entries a flush removed.
package struct FlushReport: Codable, Equatable, Sendable {
  package var vni: UInt32
  package var removed: Int

  package init(vni: UInt32, removed: Int) {
    self.vni = vni
    self.removed = removed
  }
}

/// Answers the requests about forwarding tables that are more than a list:
///
///     POST    /v1/fdb?vni=N&mac=MAC&peer=NAME   adds a static entry; PUT replaces one as well
///     DELETE  /v1/fdb?vni=N&mac=MAC
///     POST    /v1/fdb/flush?vni=N
///     GET     /v1/fdb/explain?vni=N&mac=MAC
struct FDBResource: Sendable {
  static let paths = ["/v1/fdb/flush", "/v1/fdb/explain"]

  let control: any FDBControl

  /// Nil when the request is for another resource, or asks for the list.
  func answer(_ request: ControlRequest) throws(ControlError) -> ControlResponse? {
    switch (request.method, request.path) {
    case ("POST", "/v1/fdb"), ("PUT", "/v1/fdb"):
      let query = try FDBQuery(request, keys: ["vni", "mac", "peer"])
      return ControlResponse(
        report: try control.setEntry(
          try query.mac(), vni: try query.vni(), peer: try query.text("peer"), replacing: request.method == "PUT"))
    case ("DELETE", "/v1/fdb"):
      let query = try FDBQuery(request, keys: ["vni", "mac"])
      return ControlResponse(report: try control.removeEntry(try query.mac(), vni: try query.vni()))
    case ("POST", "/v1/fdb/flush"):
      let query = try FDBQuery(request, keys: ["vni"])
      return ControlResponse(report: try control.flushEntries(vni: try query.vni()))
    case ("GET", "/v1/fdb/explain"):
      let query = try FDBQuery(request, keys: ["vni", "mac"])
      return ControlResponse(report: try control.explain(try query.mac(), vni: try query.vni()))
    case (_, "/v1/fdb") where request.method != "GET":
      throw ControlError(.methodNotAllowed, "/v1/fdb answers GET, POST, PUT and DELETE")
    case (_, "/v1/fdb/flush"):
      throw ControlError(.methodNotAllowed, "/v1/fdb/flush answers POST only")
    case (_, "/v1/fdb/explain"):
      throw ControlError(.methodNotAllowed, "/v1/fdb/explain answers GET only")
    default:
      return nil
    }
  }

  /// The methods that a path has, for an answer that refuses another.
  static func methods(of path: String) -> String {
    switch path {
    case "/v1/fdb": "GET, POST, PUT, DELETE"
    case "/v1/fdb/flush": "POST"
    default: "GET"
    }
  }
}

/// The query of a request about entries: exactly the keys that it needs.
private struct FDBQuery {
  let path: String
  let values: [String: String]

  init(_ request: ControlRequest, keys: [String]) throws(ControlError) {
    path = request.path
    values = request.query
    guard Set(values.keys) == Set(keys) else {
      throw ControlError(.badQuery, "\(request.method) \(path) needs \(keys.joined(separator: ", ")) and nothing else")
    }
  }

  func text(_ key: String) throws(ControlError) -> String {
    guard let text = values[key] else { throw ControlError(.badQuery, "\(path) needs \(key)") }
    return text
  }

  func vni() throws(ControlError) -> VNI {
    guard let number = UInt32(try text("vni")), let vni = VNI(number) else {
      throw ControlError(.badQuery, "vni must be a whole number from 0 to \(VNI.maximum)")
    }
    return vni
  }

  func mac() throws(ControlError) -> MACAddress {
    guard let mac = MACAddress(try text("mac")) else {
      throw ControlError(.badQuery, "mac must be a MAC address such as 02:00:00:00:00:01")
    }
    return mac
  }
}
