/// Makes one JSON list of several, byte by byte as they came.
struct JSONListOutput {
  private var hasBegun = false
  private var hasElements = false

  /// What to print of `page`, a list as `ReportJSON` encodes it; with the last one the whole list ends. Nil when it is
  /// no list.
  mutating func part(of page: [UInt8], isLast: Bool) -> [UInt8]? {
    guard page.first == UInt8(ascii: "["), page.suffix(2) == [UInt8(ascii: "]"), UInt8(ascii: "\n")] else { return nil }
    let elements = page.dropFirst().dropLast(2)
    var part: [UInt8] = hasBegun ? [] : [UInt8(ascii: "[")]
    if hasElements, !elements.isEmpty { part.append(UInt8(ascii: ",")) }
    part += elements
    if isLast { part += [UInt8(ascii: "]"), UInt8(ascii: "\n")] }
    hasBegun = true
    hasElements = hasElements || !elements.isEmpty
    return part
  }
}
