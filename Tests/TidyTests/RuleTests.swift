import Testing

/// Every rule can fail, and fails at the right line.
@Suite("A rule of the house")
struct RuleTests {
  @Test("finds the violations planted for it", arguments: TidyRule.all)
  func findsPlanted(_ rule: TidyRule) {
    #expect(!rule.planted.isEmpty)
    for planted in rule.planted {
      let findings = rule.check(planted.file, SourceTree([planted.file]))
      #expect(findings.map(\.line) == [planted.line], "\(planted.file.path): \(planted.file.text.prefix(200))")
    }
  }

  @Test("finds nothing in what keeps it", arguments: TidyRule.all)
  func acceptsClean(_ rule: TidyRule) {
    #expect(!rule.accepted.isEmpty)
    for file in rule.accepted {
      let findings = rule.check(file, SourceTree([file]))
      #expect(findings.isEmpty, "\(findings)")
    }
  }

  @Test("has a name of its own")
  func namesAreUnique() {
    #expect(Set(TidyRule.all.map(\.name)).count == TidyRule.all.count)
  }
}
