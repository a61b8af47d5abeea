import Testing

/// Every pitfall of the data path has a test, and the table that says which one is true.
@Suite("The pitfalls of offloads")
struct PitfallTests {
  @Test("are numbered from 1 to 22 and each has evidence")
  func isComplete() {
    #expect(Pitfall.all.map(\.number) == Array(1...22))
    #expect(Pitfall.all.allSatisfy { !$0.evidence.isEmpty && !$0.rule.isEmpty })
  }

  @Test("are each shown by what the table names", arguments: Pitfall.all.map(\.number))
  func isShown(number: Int) throws {
    let tree = try SourceTree.ofThisRepository()
    let pitfall = try #require(Pitfall.all.first { $0.number == number })
    for evidence in pitfall.evidence {
      // Outside, or a failure would show the whole tree.
      let holds = Self.holds(evidence, in: tree)
      #expect(holds, "\(pitfall.number), \(pitfall.rule): \(evidence)")
    }
  }

  @Test("would be missed: a test that is gone, a script that nobody runs, a word that is there")
  func canFail() {
    let tree = SourceTree([
      SourceFile(
        "Tests/XTests/XTests.swift",
        "@Test(\n  \"a claim\", arguments: [1])\nfunc here() {}\n// func gone()\n\nprivate func helper() {}\n"),
      SourceFile("Tests/namespaces/test_x.py", "def test_here(lab):\n    pass\n\n\ndef helper(lab):\n    pass\n"),
      SourceFile("scripts/test", "part here scripts/here\n"),
      SourceFile("Sources/X/X.swift", "let flag = IFF_NAPI\n"),
    ])
    #expect(Self.holds(.test("Tests/XTests/XTests.swift", "here"), in: tree))
    #expect(!Self.holds(.test("Tests/XTests/XTests.swift", "gone"), in: tree))
    #expect(!Self.holds(.test("Tests/XTests/XTests.swift", "her"), in: tree))
    #expect(!Self.holds(.test("Tests/XTests/XTests.swift", "helper"), in: tree))
    #expect(!Self.holds(.test("Tests/XTests/YTests.swift", "here"), in: tree))
    #expect(Self.holds(.test("Tests/namespaces/test_x.py", "test_here"), in: tree))
    #expect(!Self.holds(.test("Tests/namespaces/test_x.py", "here"), in: tree))
    #expect(!Self.holds(.test("Tests/namespaces/test_x.py", "helper"), in: tree))
    #expect(Self.holds(.script("scripts/here"), in: tree) && !Self.holds(.script("scripts/gone"), in: tree))
    #expect(Self.holds(.absent("io_uring"), in: tree) && !Self.holds(.absent("IFF_NAPI"), in: tree))
  }

  private static func holds(_ evidence: Pitfall.Evidence, in tree: SourceTree) -> Bool {
    switch evidence {
    case .test(let path, let name):
      return tree.files.first { $0.path == path }.map { isTest(name, in: $0) } ?? false
    case .script(let path):
      let lines = tree.files.first { $0.path == "scripts/test" }?.text.split(separator: "\n") ?? []
      return lines.contains { $0.trimmingPrefix { $0 == " " }.hasPrefix("part ") && $0.hasSuffix(" \(path)") }
    case .absent(let word):
      return !tree.files.contains { $0.path.hasPrefix("Sources/") && $0.code.contains(word) }
    }
  }

  /// Whether a file has a test function of that name, which the test runner would find: with `@Test` in front of it, or
  /// at the margin and named as pytest wants it.
  private static func isTest(_ name: String, in file: SourceFile) -> Bool {
    if file.suffix == "py" {
      let lines = file.text.split(separator: "\n")
      return file.name.hasPrefix("test_") && name.hasPrefix("test_") && lines.contains { $0.hasPrefix("def \(name)(") }
    }
    let lines = file.code.split(separator: "\n", omittingEmptySubsequences: false).map { $0.drop { $0 == " " } }
    guard let index = lines.firstIndex(where: { $0.hasPrefix("func \(name)(") }) else { return false }
    // Its attributes stand between the declaration before it and itself.
    return lines[..<index].reversed().prefix { !$0.isEmpty && $0 != "}" }.contains { $0.hasPrefix("@Test") }
  }
}
