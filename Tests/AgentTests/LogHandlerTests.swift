import Foundation
import Glibc
import Synchronization
import Testing
import VXLAN

@testable import Agent

/// Keeps what a handler writes.
final class LogSink: Sendable {
  private let written = Mutex<[String]>([])
  var lines: [String] { written.withLock { $0 } }
  func write(_ line: [UInt8]) { written.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
}

@Suite("log handler")
struct LogHandlerTests {
  @Test("lines under the level are not written")
  func level() {
    let sink = LogSink()
    let logger = StandardErrorLogHandler.logger(level: .warning, isJournal: true) { sink.write($0) }
    logger.info("no")
    logger.warning("yes")
    #expect(sink.lines == ["<4>level=warning message=yes\n"])
  }

  @Test("a reload's level and format count from the next line on, in every copy of a logger")
  func settings() {
    let (sink, settings) = (LogSink(), LogSettings())
    let logger = StandardErrorLogHandler.logger(settings, isJournal: true) { sink.write($0) }
    let copy = logger
    copy.debug("no")
    var log = Configuration.Log()
    (log.level, log.format) = (.debug, .json)
    settings.follow(log)
    copy.debug("yes")
    #expect(sink.lines.count == 1 && sink.lines[0].contains("\"message\":\"yes\""))
    settings.follow(Configuration.Log())
    logger.debug("no")
    logger.info("again")
    #expect(sink.lines.count == 2 && sink.lines[1].contains("message=again"))
  }

  @Test("under the journal a line has its priority and no time, otherwise the reverse")
  func journal() {
    let sink = LogSink()
    let levels = StandardErrorLogHandler.logger(level: .trace, isJournal: true) { sink.write($0) }
    levels.trace("m")
    levels.debug("m")
    levels.info("m")
    levels.notice("m")
    levels.warning("m")
    levels.error("m")
    levels.critical("m")
    #expect(sink.lines.map { $0.prefix(3) } == ["<7>", "<7>", "<6>", "<5>", "<4>", "<3>", "<3>"])
    #expect(sink.lines.allSatisfy { !$0.contains("time=") })
    let plain = LogSink()
    StandardErrorLogHandler.logger(isJournal: false) { plain.write($0) }.info("m")
    #expect(plain.lines.first?.hasPrefix("time=2") == true)
    #expect(plain.lines.first?.hasSuffix("Z level=info message=m\n") == true)
  }

  @Test("metadata of the logger and of the line come together, the line's first")
  func metadata() {
    let sink = LogSink()
    var logger = StandardErrorLogHandler.logger(format: .json, isJournal: true) { sink.write($0) }
    logger[metadataKey: "vni"] = "1"
    logger[metadataKey: "peer"] = "b"
    logger.info("m", metadata: ["vni": "2"])
    #expect(sink.lines == ["<6>{\"level\":\"info\",\"message\":\"m\",\"peer\":\"b\",\"vni\":\"2\"}\n"])
  }

  private func throttledLogger() -> (LogSink, ThrottledLogger) {
    let sink = LogSink()
    return (sink, ThrottledLogger(StandardErrorLogHandler.logger(isJournal: true) { sink.write($0) }))
  }

  @Test("a flood of bad packets is held to the rates, and the gap is told")
  func throttled() {
    let (sink, logger) = throttledLogger()
    let start = ContinuousClock.now
    for index in 0..<1_000 {
      logger.log(.warning, class: "authentication", peer: "b", "bad tag", now: start + .milliseconds(index))
      logger.log(.debug, class: "authentication", peer: "c", "below the level", now: start)
    }
    logger.log(.warning, class: "authentication", peer: "b", "bad tag", now: start + .seconds(11))
    #expect(
      sink.lines == [
        "<4>level=warning message=\"bad tag\" peer=b\n",
        "<4>level=warning message=\"bad tag\" peer=b suppressed=999\n",
      ])
  }

  @Test("of a segment a class has one line in ten seconds, and of each its own")
  func throttledBySegment() {
    let (sink, logger) = throttledLogger()
    let start = ContinuousClock.now
    for second in 0..<25 {
      for vni in [42, 43] as [UInt32] {
        logger.log(.warning, class: "loop", segment: VNI(unchecked: vni), "a loop", now: start + .seconds(second))
      }
    }
    let lines = ["", " suppressed=9", " suppressed=9"].flatMap { gap in
      [42, 43].map { "<4>level=warning message=\"a loop\"\(gap) vni=\($0)\n" }
    }
    #expect(sink.lines == lines)
  }
}
