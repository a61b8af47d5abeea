/// The header field `Link` that leads from one page of a list to the next: `</v1/fdb?after=...>; rel="next"`.
/// - SeeAlso: RFC 8288, section 3; of what it allows there is the one form that the control socket needs.
enum WebLink {
  private static let relation = "; rel=\"next\""

  /// - Parameter target: as in a request line, without `>`.
  static func next(_ target: String) -> String { "<\(target)>\(relation)" }

  /// The target of a field that `next` wrote. Nil for anything else.
  static func next(in field: String) -> String? {
    guard field.hasPrefix("</"), field.hasSuffix(">\(relation)") else { return nil }
    return String(field.dropFirst().dropLast(relation.count + 1))
  }
}
