/// Finds the word that somebody may have meant.
enum Spelling {
  /// The candidate nearest to `word`, or nil when all are too far: more than two letters and a third of them differ.
  static func nearest(to word: String, among candidates: [String]) -> String? {
    // No key is half as long; a distance is quadratic in the length.
    guard word.utf8.count <= 64 else { return nil }
    let ranked = candidates.map { (candidate: $0, distance: distance(word.lowercased(), $0)) }
    guard let best = ranked.min(by: { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) }),
      best.distance <= max(2, best.candidate.count / 3), best.distance < best.candidate.count
    else { return nil }
    return best.candidate
  }

  /// How many letters must be inserted, deleted or replaced (Levenshtein).
  static func distance(_ first: String, _ second: String) -> Int {
    let second = Array(second)
    var row = Array(0...second.count)
    for (i, letter) in first.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in second.enumerated() {
        let replaced = diagonal + (letter == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
      }
    }
    return row[second.count]
  }
}
