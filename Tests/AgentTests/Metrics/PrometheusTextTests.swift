import Testing

@testable import Agent

@Suite("the text format of metrics")
struct PrometheusTextTests {
  private func text(_ families: MetricFamily...) -> String {
    String(decoding: PrometheusText.encode(families), as: UTF8.self)
  }

  @Test("a page has HELP and TYPE once for each family, then its samples in their order, each on a line that ends")
  func golden() {
    let page = text(
      MetricFamily(
        "a_total", .counter, "How often.",
        [MetricSample(3, [MetricLabel("z", "1"), MetricLabel("b", "2")]), MetricSample(UInt64.max)]),
      MetricFamily("b", .gauge, "What is.", [MetricSample(true), MetricSample(level: 0.25)]),
      MetricFamily(
        "c", .summary, "How many at once.",
        [MetricSample(7, [MetricLabel("of", "x")], suffix: "_sum"), MetricSample(2, suffix: "_count")]))
    #expect(
      page == """
        # HELP a_total How often.
        # TYPE a_total counter
        a_total{z="1",b="2"} 3
        a_total 18446744073709551615
        # HELP b What is.
        # TYPE b gauge
        b 1
        b 0.25
        # HELP c How many at once.
        # TYPE c summary
        c_sum{of="x"} 7
        c_count 2

        """)
  }

  @Test("a family without samples is left out, and nothing at all is an empty page")
  func empty() {
    #expect(text(MetricFamily("a", .gauge, "None.", [])).isEmpty)
    #expect(text().isEmpty)
  }

  @Test(
    "backslash, quote and newline are escaped in a label's value, whatever stands around them",
    arguments: [
      (#"a"b"#, #"a\"b"#), (#"a\b"#, #"a\\b"#), ("a\nb", #"a\nb"#), (#"\n"#, #"\\n"#), ("\\\"\n", #"\\\"\n"#),
      ("ü {}=,#", "ü {}=,#"), ("\r\n", "\r\\n"), ("", ""),
    ])
  func labels(value: String, escaped: String) {
    let page = text(MetricFamily("a", .gauge, "A.", [MetricSample(1, [MetricLabel("l", value)])]))
    #expect(page == "# HELP a A.\n# TYPE a gauge\na{l=\"\(escaped)\"} 1\n")
  }

  @Test("in a HELP line backslash and newline are escaped, quotes are not")
  func help() {
    let page = text(MetricFamily("a", .gauge, "one\\ \"two\"\nthree", [MetricSample(1)]))
    #expect(page == "# HELP a one\\\\ \"two\"\\nthree\n# TYPE a gauge\na 1\n")
  }

  @Test(
    "levels are written as the format has numbers",
    arguments: [
      (0.0, "0"), (-3, "-3"), (1_700_000_000.25, "1700000000.25"), (1e300, "1e+300"), (.infinity, "+Inf"),
      (-.infinity, "-Inf"), (.nan, "NaN"), (1.5e-7, "1.5e-07"),
    ] as [(Double, String)])
  func levels(level: Double, written: String) {
    #expect(text(MetricFamily("a", .gauge, "A.", [MetricSample(level: level)])).hasSuffix("\na \(written)\n"))
  }
}
