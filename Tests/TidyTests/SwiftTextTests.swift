import Testing

/// What the rules take for code.
@Suite("Swift text")
struct SwiftTextTests {
  @Test(
    "is blanked in comments and literals, and nowhere else",
    arguments: [
      ("a // b", "a     "),
      ("a /* b /* c */ d */ e", "a                   e"),
      ("a(\"b\") // c", "a(\" \")     "),
      (#"a("b\"c") d"#, #"a("    ") d"#),
      (#"a("b\(c("d"))e") f"#, #"a("           ") f"#),
      ("a(#\"b\"c\"#) d", "a(#\"   \"#) d"),
      ("\"\"\"\n{ \" }\n\"\"\" {", "\"\"\"\n     \n\"\"\" {"),
      ("a / b // c\n}", "a / b     \n}"),
    ])
  func blanks(_ text: String, _ wanted: String) {
    #expect(SwiftText.blanked(text) == wanted)
  }

  @Test("has as many lines and bytes when blanked")
  func keepsLength() {
    let text = "let a = \"ä\\(b)\" // ö\n/* ü\n */ {\n\"open\n}"
    let blanked = SwiftText.blanked(text)
    #expect(blanked.utf8.count == text.utf8.count)
    #expect(blanked.count { $0 == "\n" } == text.count { $0 == "\n" })
  }

  @Test("shows functions, initialisers and computed properties with their lengths")
  func measuresFunctions() {
    let code = """
      struct A {
        init?(b: Int) { c = .init(b) }
        var d: Int {
          1
        }
        func e(f: () -> Int)
          throws -> Int
        {
          func g() {}
          return 2
        }
        let h = B.init(3)
      }
      protocol I { func j() }
      protocol K {
        func l() -> Int
        init(m: Int)
      }
      """
    #expect(
      FunctionSpan.all(in: code) == [
        FunctionSpan(name: "init", line: 2, lineCount: 1), FunctionSpan(name: "d", line: 3, lineCount: 3),
        FunctionSpan(name: "e", line: 6, lineCount: 6), FunctionSpan(name: "g", line: 9, lineCount: 1),
      ])
  }
}
