import FoundationEssentials
import Testing

@testable import Bench

@Suite("the page of a run")
struct HTMLReportTests {
  private static let reports = [
    SampleReport.whole(), SampleReport.whole(isSealed: true), SampleReport.codec(),
    SampleReport.codec(ciphers: ["aes256gcm", "chacha20poly1305"]), SampleReport.report([]),
  ]

  @Test("every element is closed in its order, and every one that is opened is known", arguments: reports.indices)
  func nesting(index: Int) throws {
    let page = try HTMLReport(Self.reports[index]).page()
    var open: [Substring] = []
    for match in page.matches(of: /<(\/?)([a-z0-9]+)[^>]*>/) {
      let (_, slash, name) = match.output
      if ["meta", "link"].contains(name) { continue }
      guard slash.isEmpty else {
        #expect(open.popLast() == name)
        continue
      }
      open.append(name)
    }
    #expect(open.isEmpty)
    #expect(page.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
  }

  @Test(
    "nothing is fetched: no address, no script, no style sheet or picture from elsewhere", arguments: reports.indices)
  func selfContained(index: Int) throws {
    let page = try HTMLReport(Self.reports[index]).page()
    for outside in ["http:", "https:", "//", "src=", "@import", "url(", "<script", "<iframe", "<img", "<object"] {
      #expect(!page.contains(outside), "\(outside)")
    }
    for match in page.matches(of: /href="([^>]*?)"/) { #expect(match.output.1.hasPrefix("data:")) }
    #expect(page.contains("content=\"default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;; img-src data:\""))
  }

  @Test("what a report says is never read as markup, wherever it stands")
  func escaping() throws {
    let evil = "</style><script>alert(\"1\")</script>&'"
    var report = SampleReport.whole()
    report.version = evil
    report.started = evil
    report.machine.cpuModel = evil
    report.machine.kernel = evil
    report.generator = evil
    report.results[0].note = evil
    let page = try HTMLReport(report).page()
    #expect(!page.contains("<script") && !page.contains("alert(\"1\")"))
    #expect(page.components(separatedBy: "</style>").count == 2)
    // Title and facts, machine and method, note, JSON.
    let escaped = "&lt;/style&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;"
    #expect(page.components(separatedBy: escaped).count > 6)
  }

  @Test("control characters do not reach the browser")
  func controlCharacters() throws {
    var report = SampleReport.whole()
    report.machine.cpuModel = "A\u{0}B\u{1B}[31mC"
    #expect(try HTMLReport(report).page().contains("A\u{FFFD}B\u{FFFD}[31mC"))
  }

  @Test("every chart has a title, a description and its numbers as a table")
  func alternatives() throws {
    let page = try HTMLReport(SampleReport.whole()).page()
    let charts = page.components(separatedBy: "<svg ").dropFirst()
    #expect(charts.count == 10)
    for chart in charts {
      #expect(chart.contains(/role="img"><title>[^<]+<\/title>\n<desc>[^<]+<\/desc>/))
    }
    let figures = page.components(separatedBy: "<figure>").dropFirst()
    #expect(figures.count == 10)
    // Ratios share one table behind both charts.
    for figure in figures.dropFirst(2) { #expect(figure.components(separatedBy: "</figure>")[0].contains("<table>")) }
    #expect(page.contains("All ratios as a table"))
    #expect(page.components(separatedBy: "<table>").count == page.components(separatedBy: "<caption>").count)
  }

  @Test("both schemes have their colours")
  func schemes() throws {
    let page = try HTMLReport(SampleReport.whole()).page()
    #expect(
      page.contains("prefers-color-scheme: dark") && page.contains("name=\"color-scheme\" content=\"light dark\""))
    for candidate in Candidate.allCases { #expect(HTMLReportStyle.sheet.contains(".\(candidate.rawValue)")) }
  }

  @Test("the whole report lies in the page as JSON, to download and to copy")
  func json() throws {
    let report = SampleReport.whole(isSealed: true)
    let page = try HTMLReport(report).page()
    let link = try #require(
      page.firstMatch(of: /download="vtep-bench.json" href="data:application\/json;base64,([^>]*?)"/))
    let data = try #require(Data(base64Encoded: String(link.output.1)))
    #expect(try JSONDecoder().decode(BenchReport.self, from: data) == report)
    #expect(page.contains("&quot;cpu-seconds-per-gigabyte&quot;"))
  }

  @Test("bars are as high as their medians, and whiskers reach from the least to the most")
  func bars() throws {
    let results = [Candidate.kernel, .vtep].map { SampleReport.result($0, .tcp1, .transparent) }
    let page = try HTMLReport(SampleReport.report(results)).page()
    // The axis ends at 10 Gb/s: 244 pixels, from 26 to 270.
    #expect(page.contains(/<g class="bar vtep"><title>vtep, TCP 1 stream: 7.00 Gb\/s \(6.72–7.28\)<\/title>/))
    let bar = try #require(
      page.firstMatch(of: /class="bar vtep">(?s:.*?)y="([0-9.]+)" width="[0-9.]+" height="([0-9.]+)"/))
    #expect(bar.output.1 == "99.2" && bar.output.2 == "170.8")
    let whisker = try #require(page.firstMatch(of: /class="bar vtep">(?s:.*?)d=.M[0-9.]+ ([0-9.]+)H(?:.*?)V([0-9.]+)M/))
    #expect(whisker.output.1 == "92.4" && whisker.output.2 == "106")
  }

  @Test("all charts of one kind have one scale, so that underlays compare")
  func oneScale() throws {
    let results = [Underlay.transparent, .segmenting].map { SampleReport.result(.vtep, .tcp4, $0) }
    let page = try HTMLReport(SampleReport.report(results)).page()
    let heights = page.matches(of: /class="bar vtep"><title>vtep, TCP 4 streams: [0-9.]+ Gb(?s:.*?)height="([0-9.]+)"/)
      .compactMap { Double($0.output.1) }
    #expect(heights.count == 2)
    #expect(abs(heights[0] - 2 * heights[1]) < 0.2)
  }

  @Test("what was not measured is said to be so, in the chart and with its reason")
  func missing() throws {
    let missing = Measurement(
      candidate: .kernel, workload: .tcp1, underlay: .segmenting, unit: .bitsPerSecond, samples: [],
      note: "this kernel has no vxlan")
    let page = try HTMLReport(SampleReport.report([missing, SampleReport.result(.vtep, .tcp1, .segmenting)])).page()
    #expect(page.contains(/class="missing"[^>]*>n\/a<title>not measured<\/title>/))
    #expect(page.contains("<dt>kernel VXLAN (TCP 1 stream)</dt>\n<dd>this kernel has no vxlan</dd>"))
    // No kernel, no raw underlay: nothing to compare with.
    #expect(!page.contains("vtep beside the others"))
  }

  @Test("one candidate alone has its charts and no ratios")
  func oneCandidate() throws {
    let page = try HTMLReport(SampleReport.report([SampleReport.result(.kernel, .tcp1, .transparent)])).page()
    #expect(page.contains("class=\"bar kernel\"") && !page.contains("vtep beside the others"))
    #expect(!page.contains("× the"))
  }

  @Test("without the kernel's VXLAN the raw underlay is what vtep is held against")
  func rawUnderlay() throws {
    let results = [Candidate.underlay, .vtep].map { SampleReport.result($0, .tcp1, .transparent) }
    let page = try HTMLReport(SampleReport.report(results)).page()
    #expect(page.contains("vtep, 1× = raw underlay") && page.contains("0.44× the raw underlay’s"))
  }

  @Test("the share of round trips that were lost stands beside the percentiles, which do not hold them")
  func lostRoundTrips() throws {
    var result = SampleReport.result(.vtep, .rtt, .transparent)
    #expect(try !HTMLReport(SampleReport.report([result])).page().contains("lost, %"))
    result.loss = 0.0123
    let page = try HTMLReport(SampleReport.report([result])).page()
    #expect(page.contains(">lost, %</th>") && page.contains(">1.23</td>"))
    #expect(page.contains("answered within 50 ms"))
  }

  @Test("what a send is stands there where sends were counted")
  func sends() throws {
    let why = "one send also where the kernel refused runs"
    #expect(try HTMLReport(SampleReport.report([SampleReport.result(.vtep, .tcp1, .transparent)])).page().contains(why))
    #expect(
      try !HTMLReport(SampleReport.report([SampleReport.result(.kernel, .tcp1, .transparent)])).page().contains(why))
  }

  @Test("a report without a result has a page too")
  func nothing() throws {
    let page = try HTMLReport(SampleReport.report([])).page()
    #expect(page.contains("Machine and method") && !page.contains("<svg"))
  }

  @Test("results without a sample, and all of them zero, draw nothing absurd")
  func zeroes() throws {
    let zeroes = Workload.allCases.flatMap { workload in
      [[], [0.0, 0]].map { samples in
        var result = Measurement(
          candidate: samples.isEmpty ? .kernel : workload.isOfCodec ? .codec : .vtep, workload: workload,
          underlay: workload.isOfCodec ? .none : .transparent, unit: .bitsPerSecond, samples: samples)
        if workload == .rtt { result.percentiles = .init(p50: 0, p90: 0, p99: 0, p999: 0, max: 0) }
        return result
      }
    }
    let page = try HTMLReport(SampleReport.report(zeroes)).page()
    for absurd in ["nan", "NaN", "inf\""] { #expect(!page.contains(absurd), "\(absurd)") }
  }

  @Test("the codec's page has both charts")
  func codec() throws {
    let page = try HTMLReport(SampleReport.codec()).page()
    #expect(page.contains("Frames a second") && page.contains("Bytes a second"))
    #expect(page.contains("the best case") && !page.contains("learning"), "it says what it is not")
    #expect(page.components(separatedBy: "class=\"bar out\"").count == 9)
    #expect(page.components(separatedBy: "class=\"bar back\"").count == 9)
  }

  @Test("each cipher has both charts of the codec too, and says so")
  func sealedCodec() throws {
    let page = try HTMLReport(SampleReport.codec(ciphers: ["aes256gcm", "chacha20poly1305"])).page()
    #expect(page.components(separatedBy: "<figure>").count == 7)
    for name in ["aes256gcm", "chacha20poly1305"] {
      #expect(page.contains("Frames a second, sealed with \(name)"))
      #expect(page.contains("Bytes a second, sealed with \(name)"))
    }
    #expect(page.contains("seal 64 B: 9.00 M frame/s") && page.contains("sealed beforehand"))
    #expect(page.contains("encapsulate, seal") && page.contains("decapsulate, open"))
  }

  @Test("what sealed the segments between two hosts is among the facts")
  func cipher() throws {
    let page = try HTMLReport(SampleReport.whole(isSealed: true)).page()
    #expect(page.contains("<dt>Sealed with</dt>\n<dd>aes256gcm</dd>"))
    #expect(try !HTMLReport(SampleReport.whole()).page().contains("Sealed with"))
  }
}
