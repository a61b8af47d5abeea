import Foundation
import Testing

@testable import Agent

@Suite("log line")
struct LogLineTests {
  private func line(
    _ message: String, _ metadata: [String: String] = [:], _ format: LogLine.Format = .logfmt, time: String? = nil,
    prefix: String = ""
  ) -> String {
    let line = LogLine(time: time, level: "info", message: message, metadata: metadata)
    return String(decoding: line.bytes(format, prefix: prefix), as: UTF8.self)
  }

  @Test("logfmt has time, level, message, then the metadata by key")
  func logfmt() {
    #expect(
      line("peer is up", ["vni": "42", "peer": "b"], time: "2026-01-31T09:00:00.123Z")
        == "time=2026-01-31T09:00:00.123Z level=info message=\"peer is up\" peer=b vni=42\n")
  }

  @Test("JSON is one object a line")
  func json() throws {
    let text = line("a \"b\"\n", ["vni": "42"], .json, time: "now")
    #expect(text == "{\"time\":\"now\",\"level\":\"info\",\"message\":\"a \\\"b\\\"\\n\",\"vni\":\"42\"}\n")
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String]
    #expect(object?["message"] == "a \"b\"\n")
  }

  @Test(
    "nothing in a value forges a line, a field or a colour",
    arguments: [
      "x\nlevel=error message=forged", "x\r\n<3>forged", "x\u{1B}[31m", "x\u{2028}y", "x\u{85}y", "x\u{202E}y", "x\0y",
      "x=y", "a\" level=error b=\"", "\\", "", " ", "\u{7F}", "\u{E0001}",
    ])
  func forgery(value: String) throws {
    for format in LogLine.Format.allCases {
      let text = line("m", ["peer": value], format)
      let bytes = Array(text.utf8)
      #expect(bytes.filter { $0 < 0x20 || $0 == 0x7F } == [0x0A])
      #expect(bytes.last == 0x0A)
      #expect(!text.unicodeScalars.contains { ["\u{2028}", "\u{202E}", "\u{85}"].contains($0) })
      guard format == .json else {
        #expect(text.hasPrefix("level=info message=m peer=\""))
        // The quoted value, read as JSON, is the value: its quotes all are escaped.
        let quoted = text.dropFirst("level=info message=m peer=".count)
        let read = try JSONSerialization.jsonObject(with: Data("[\(quoted)]".utf8)) as? [String]
        #expect(read == [value])
        continue
      }
      let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String]
      #expect(object == ["level": "info", "message": "m", "peer": value])
    }
  }

  @Test("a key of the metadata cannot be one of ours or break the line")
  func keys() {
    #expect(line("m", ["level": "error"]) == "level=info message=m _level=error\n")
    #expect(line("m", ["a b\n=": "1"]) == "level=info message=m a_b__=1\n")
    #expect(line("m", ["": "1"]) == "level=info message=m _=1\n")
  }

  @Test("a line of 4,096 bytes stays whole and a longer one is cut there, valid and marked")
  func bound() throws {
    let fixed = line("").utf8.count
    let mark = " truncated=true".utf8.count
    let whole = line(String(repeating: "m", count: 4_096 - fixed - mark + 2))
    #expect(!whole.contains("truncated"))
    for format in LogLine.Format.allCases {
      for piece in ["m", "\0", "é", "\u{E0001}"] {
        let value = String(repeating: piece, count: 5_000)
        let text = line(value, ["a": value, "peer": "b"], format, time: "now", prefix: "<4>")
        #expect(text.utf8.count <= 4_096)
        #expect(text.contains("peer"))
        #expect(text.contains("truncated"))
        #expect(text.hasSuffix("\n"))
        if format == .json {
          #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(text.dropFirst(3).utf8)) }
        }
      }
    }
  }

  @Test(
    "a value that is too long keeps its beginning, and what follows it stays whole", arguments: LogLine.Format.allCases)
  func beginning(format: LogLine.Format) {
    let reason = "/etc/vtep.yaml:7: unknown key " + String(repeating: "0123456789", count: 1_000)
    let text = line("reload refused", ["reason": reason, "vni": "42"], format)
    #expect(text.contains(String(reason.prefix(256)) + "…") && text.contains("truncated") && text.contains("42"))
    #expect(!text.contains(String(reason.prefix(257))))
  }

  @Test("the time is RFC 3339 in UTC")
  func time() {
    #expect(LogTime.text(seconds: 0, milliseconds: 7) == "1970-01-01T00:00:00.007Z")
    #expect(LogTime.text(seconds: 1_709_210_096, milliseconds: 999) == "2024-02-29T12:34:56.999Z")
    #expect(LogTime.now().count == 24)
  }
}
