import Testing

/// The rules of the house on this repository.
@Suite("The source tree")
struct TreeTests {
  @Test("keeps every rule", arguments: TidyRule.all)
  func keepsRule(_ rule: TidyRule) throws {
    let tree = try SourceTree.ofThisRepository()
    let findings = tree.files.flatMap { rule.check($0, tree) }
    #expect(findings.isEmpty, "\(findings.map(\.description).joined(separator: "\n"))")
  }

  @Test("is read from its root, tests and scripts included")
  func isFound() throws {
    let tree = try SourceTree.ofThisRepository()
    for path in [
      "Package.swift", "Sources/VXLAN/VNI.swift", "Tests/TidyTests/TreeTests.swift", "scripts/test", ".ci/run",
    ] {
      #expect(tree.files.contains { $0.path == path }, "\(path) was not read")
    }
    #expect(!tree.files.contains { $0.path.hasPrefix(".build") })
  }

  @Test("needs every allowance in full: what shrank gets a lower one, what went gets none")
  func allowancesRatchetDown() throws {
    let tree = try SourceTree.ofThisRepository()
    let files = Dictionary(uniqueKeysWithValues: tree.files.map { ($0.path, $0) })
    for (path, allowance) in SizeAllowances.files {
      let lines = files[path].map { $0.text.split(separator: "\n", omittingEmptySubsequences: false).count - 1 }
      #expect(lines == allowance.lines, "\(path): the allowance is \(allowance.lines)")
    }
    for (key, allowance) in SizeAllowances.functions {
      let parts = key.split(separator: " ").map(String.init)
      let spans = files[parts[0]].map { FunctionSpan.all(in: $0.code).filter { $0.name == parts[1] } } ?? []
      #expect(spans.map(\.lineCount).max() == allowance.lines, "\(key): the allowance is \(allowance.lines)")
    }
    for path in Array(PathAllowances.pointers.keys) + Array(ImportTable.exceptions.keys) {
      #expect(files[path] != nil, "\(path) has an allowance but does not exist")
    }
  }
}
