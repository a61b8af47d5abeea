/// How the underlay's MTU on the way to a peer was found.
package enum PathSource: String, Codable, Sendable, CaseIterable {
  /// From the routing table.
  case route
  /// By asking the peer with packets of that size.
  case probe

  /// For people.
  var phrase: String {
    switch self {
    case .route: "by the route"
    case .probe: "by probing"
    }
  }
}
