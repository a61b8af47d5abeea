import VXLAN

/// What a running agent lets people do to its peers and segments.
///
/// Called off the event loop, one call at a time; each waits for the agent's main thread. What is changed is judged
/// together with everything else, by the rules of the configuration's file.
package protocol ChangeControl: Sendable {
  /// As SIGHUP: reads the configuration again and takes over what it says.
  /// - Throws: `refused` with every problem that was found, `failed` when the system says no; nothing has changed then.
  func reload() throws(ControlError) -> ChangeReport
  /// - Parameter body: a mapping with the keys of an item of `peers`.
  /// - Throws: as `reload`, and `exists`.
  func addPeer(_ body: [UInt8]) throws(ControlError) -> ChangeReport
  /// - Throws: as `reload`, and `unknown-peer`.
  func removePeer(_ name: String) throws(ControlError) -> ChangeReport
  /// - Parameter body: a mapping with the keys of an item of `segments`, and `peers`.
  /// - Throws: as `reload`, and `exists`.
  func addSegment(_ body: [UInt8]) throws(ControlError) -> ChangeReport
  /// - Throws: as `reload`, and `unknown-vni`.
  func removeSegment(_ vni: VNI) throws(ControlError) -> ChangeReport
}

/// What a request has changed.
package struct ChangeReport: Codable, Equatable, Sendable {
  package var changes: [ConfigurationChange]

  package init(changes: [ConfigurationChange]) {
    self.changes = changes
  }

  /// One line for each change.
  package var text: String {
    changes.isEmpty ? "nothing has changed\n" : changes.map { $0.text + "\n" }.joined()
  }
}

/// Answers the requests that change peers and segments:
///
///     POST    /v1/reload
///     POST    /v1/peers          with an item of `peers` as its body
///     DELETE  /v1/peers/NAME
///     POST    /v1/segments       with an item of `segments` as its body
///     DELETE  /v1/segments/VNI
struct ChangeResource: Sendable {
  static let paths = ["/v1/reload"]
  private static let peers = "/v1/peers"
  private static let segments = "/v1/segments"

  let control: any ChangeControl

  /// Nil when the request is for another resource, or asks for a list.
  func answer(_ request: ControlRequest) throws(ControlError) -> ControlResponse? {
    guard let methods = Self.methods(of: request.path) else { return nil }
    guard methods.contains(request.method) else {
      throw ControlError(.methodNotAllowed, "\(request.path) answers \(methods.joined(separator: " and ")) only")
    }
    guard request.method != "GET" else { return nil }
    guard request.query.isEmpty else { throw ControlError(.badQuery, "\(request.path) takes no query") }
    return ControlResponse(report: try change(request))
  }

  private func change(_ request: ControlRequest) throws(ControlError) -> ChangeReport {
    switch request.path {
    case "/v1/reload": return try control.reload()
    case Self.peers: return try control.addPeer(request.body)
    case Self.segments: return try control.addSegment(request.body)
    default: break
    }
    guard let name = Self.item(of: Self.peers, in: request.path) else {
      let text = Self.item(of: Self.segments, in: request.path) ?? ""
      guard let number = UInt32(text), let vni = VNI(number) else {
        throw ControlError(.notFound, "a segment is named by its VNI, a whole number from 0 to \(VNI.maximum)")
      }
      return try control.removeSegment(vni)
    }
    return try control.removePeer(name)
  }

  /// The methods that a path has; nil for a path of another resource.
  static func methods(of path: String) -> [String]? {
    switch path {
    case "/v1/reload": ["POST"]
    case peers, segments: ["GET", "POST"]
    default: item(of: peers, in: path) ?? item(of: segments, in: path) == nil ? nil : ["DELETE"]
    }
  }

  private static func item(of list: String, in path: String) -> String? {
    guard path.hasPrefix(list + "/") else { return nil }
    return String(path.dropFirst(list.count + 1))
  }
}
