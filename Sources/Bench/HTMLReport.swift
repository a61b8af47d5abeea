import FoundationEssentials

/// A report as one page for a browser: charts, their tables, how it was measured, and the report itself as JSON.
///
/// The page needs nothing but itself: no script, no network, no font of its own. Its colours follow the reader's light
/// or dark scheme. Every chart has a title, a description and its numbers as a table.
package struct HTMLReport {
  let report: BenchReport

  package init(_ report: BenchReport) {
    self.report = report
  }

  /// The whole page.
  /// - Throws: what the JSON encoder throws, for numbers that JSON has no name for.
  package func page() throws -> String {
    let json = try encoded()
    var markup = Markup()
    markup.addVerbatim("<!DOCTYPE html>\n")
    markup.element("html", ["lang": "en"]) { html in
      html.element("head", body: addHead)
      html.element("body") { body in
        body.element("header", body: addHeader)
        body.element("main") { main in
          addSummary(to: &main)
          addRatios(to: &main)
          addThroughput(to: &main)
          addPacketRates(to: &main)
          addRoundTrips(to: &main)
          addProcessorTime(to: &main)
          addBatches(to: &main)
          addCodec(to: &main)
          addNotes(to: &main)
          addMethod(to: &main)
          addJSON(json, to: &main)
        }
      }
    }
    return markup.text
  }

  /// With sorted keys, for people to read.
  private func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(report)
  }

  private func addHead(to head: inout Markup) {
    head.void("meta", ["charset": "utf-8"])
    // The browser itself refuses whatever would leave the page.
    head.void(
      "meta",
      [
        "http-equiv": "Content-Security-Policy",
        "content": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
      ])
    head.void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
    head.void("meta", ["name": "color-scheme", "content": "light dark"])
    head.element("title", [:], "vtep bench, \(report.started)")
    // Without it a browser asks for /favicon.ico.
    head.void("link", ["rel": "icon", "href": "data:,"])
    head.element("style") { $0.addVerbatim(HTMLReportStyle.sheet) }
  }

  private func addHeader(to header: inout Markup) {
    let machine = report.machine
    header.element("h1") { title in
      title.element("span", ["class": "brand"], "vtep")
      title.add(" bench")
    }
    header.element("p", ["class": "machine"], machine.cpuModel)
    let facts = [
      Quantity.count(machine.cores, "core"), Quantity.memory(machine.memoryBytes), "Linux \(machine.kernel)",
      "vtep \(report.version)", "\(Quantity.count(report.rounds, "round")) of \(Quantity.setting(report.seconds)) s",
      report.started,
    ]
    header.element("ul", ["class": "facts"]) { list in
      for fact in facts { list.element("li", [:], fact) }
    }
  }

  private func addNotes(to main: inout Markup) {
    guard !report.notes.isEmpty else { return }
    addSection("Notes", to: &main) { section in
      section.element("dl", ["class": "notes"]) { list in
        for (subject, note) in report.notes {
          list.element("dt", [:], subject)
          list.element("dd", [:], note)
        }
      }
    }
  }

  private func addJSON(_ json: Data, to main: inout Markup) {
    addSection("The report as JSON", to: &main) { section in
      section.element("p") { text in
        text.add("All samples of all rounds. A click into the text selects all of it; or ")
        text.element(
          "a",
          [
            "download": "vtep-bench.json", "href": "data:application/json;base64," + json.base64EncodedString(),
          ], "download it")
        text.add(".")
      }
      section.element("details") { details in
        details.element("summary", [:], "Show it")
        details.element("pre", ["tabindex": "0"], String(decoding: json, as: UTF8.self))
      }
    }
  }

  /// A heading, what is said of it, and what it heads.
  func addSection(_ title: String, _ remark: String = "", to main: inout Markup, body: (inout Markup) -> Void) {
    main.element("section") { section in
      section.element("h2", [:], title)
      if !remark.isEmpty { section.element("p", ["class": "remark"], remark) }
      body(&section)
    }
  }
}
