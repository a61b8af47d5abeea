extension Regex {
  /// With `\b` between letters and signs, as code wants it: Unicode's boundaries keep `a.b` as one word.
  var onCodeWords: Regex<RegexOutput> { wordBoundaryKind(.simple) }
}
