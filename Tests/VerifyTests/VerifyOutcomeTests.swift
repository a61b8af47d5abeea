import Capture
import FoundationEssentials
import Testing

@testable import Verify

struct VerifyOutcomeTests {
  private func report(message: String? = nil, dropped: UInt32? = nil) -> VerifyOutcome {
    var report = VerifyReport(
      Judge(plan: VerifyPlan(), linkType: .ethernet), file: "a.pcap", isStrict: false, message: message)
    report.dropped = dropped
    return .judged(report)
  }

  private func junit(_ outcome: VerifyOutcome) -> String { VerifyOutcome.junit([outcome], isStrict: false) }

  @Test func `A capture that was not judged whole is an error of JUnit`() {
    #expect(junit(report()).contains("errors=\"0\"") && !junit(report()).contains("<error"))
    #expect(junit(report(dropped: 0)).contains("errors=\"0\""))
    let broken: [(VerifyOutcome, String)] = [
      (report(message: "cut < short"), "cut &lt; short"), (report(dropped: 7), "7 packets"),
      (.unread(file: "b.pcap", message: "no such file"), "no such file"),
    ]
    for (outcome, text) in broken {
      let text = "<error message=\"\(outcome.report?.message == nil ? "" : "not read to the end: ")\(text)"
      #expect(junit(outcome).contains("errors=\"1\"") && junit(outcome).contains(text), "\(junit(outcome))")
    }
  }

  @Test func `A file that was not read has the fields of a report, a message and no verdict`() throws {
    let outcomes: [VerifyOutcome] = [.unread(file: "b.pcap", message: "no such file")]
    let text = String(decoding: try JSONEncoder().encode(outcomes), as: UTF8.self)
    for field in ["\"file\":\"b.pcap\"", "\"message\":\"no such file\"", "\"findings\":[]", "\"packets\":0"] {
      #expect(text.contains(field), "\(text)")
    }
    #expect(!text.contains("verdict"))
  }

  @Test func `Packets that the kernel dropped are told in text and JSON`() throws {
    let outcome = report(dropped: 7)
    #expect(outcome.incompleteness != nil && outcome.report?.text.contains("7 packets were dropped") == true)
    #expect(String(decoding: try JSONEncoder().encode(outcome), as: UTF8.self).contains("\"dropped\":7"))
  }
}
