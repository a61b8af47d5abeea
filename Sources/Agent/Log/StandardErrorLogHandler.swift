import Glibc
import Logging

/// Writes each line of the log to standard error with one `write`: logfmt or JSON, filtered by level.
///
/// Under the journal (`$JOURNAL_STREAM` is set) a line has no time, which the journal adds, and starts with its
/// priority, `<3>` to `<7>` (sd-daemon(3)). A line that cannot be written is lost; the agent goes on.
package struct StandardErrorLogHandler: LogHandler {
  /// Takes one whole line.
  package typealias Sink = @Sendable ([UInt8]) -> Void

  /// That of the settings, until another is set here.
  package var logLevel: Logger.Level {
    get { ownLevel ?? settings.level }
    set { ownLevel = newValue }
  }
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?

  private let settings: LogSettings
  private var ownLevel: Logger.Level?
  private let isJournal: Bool
  private let sink: Sink

  /// - Parameters:
  ///   - isJournal: whether lines go to the journal.
  ///   - sink: for tests; standard error otherwise.
  package init(
    level: Logger.Level = .info, format: LogLine.Format = .logfmt, isJournal: Bool = environmentNamesJournal,
    sink: @escaping Sink = writeToStandardError
  ) {
    self.init(LogSettings(level: level, format: format), isJournal: isJournal, sink: sink)
  }

  /// As above, with what may change later.
  init(
    _ settings: LogSettings, isJournal: Bool = environmentNamesJournal, sink: @escaping Sink = writeToStandardError
  ) {
    self.settings = settings
    self.isJournal = isJournal
    self.sink = sink
  }

  /// A logger of this handler, without the process-wide `LoggingSystem`.
  package static func logger(
    level: Logger.Level = .info, format: LogLine.Format = .logfmt, isJournal: Bool = environmentNamesJournal,
    sink: @escaping Sink = writeToStandardError
  ) -> Logger {
    logger(LogSettings(level: level, format: format), isJournal: isJournal, sink: sink)
  }

  /// As above, with what may change later.
  package static func logger(
    _ settings: LogSettings, isJournal: Bool = environmentNamesJournal, sink: @escaping Sink = writeToStandardError
  ) -> Logger {
    let handler = StandardErrorLogHandler(settings, isJournal: isJournal, sink: sink)
    return Logger(label: "vtep") { _ in handler }
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var fields = metadata
    fields.merge(metadataProvider?.get() ?? [:]) { _, new in new }
    fields.merge(event.metadata ?? [:]) { _, new in new }
    if let error = event.error, fields["error"] == nil { fields["error"] = "\(error)" }
    let line = LogLine(
      time: isJournal ? nil : LogTime.now(), level: event.level.rawValue, message: event.message.description,
      metadata: fields.mapValues(\.description))
    sink(line.bytes(settings.format, prefix: isJournal ? "<\(Self.priority(of: event.level))>" : ""))
  }

  /// The priority of syslog(3), from 3 (error) to 7 (debug).
  package static func priority(of level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error, .critical: 3
    }
  }

  /// Whether systemd says that standard error is the journal's.
  package static var environmentNamesJournal: Bool { getenv("JOURNAL_STREAM") != nil }

  /// One `write`, repeated only if a signal came before its first byte.
  package static func writeToStandardError(_ line: [UInt8]) {
    while write(STDERR_FILENO, line, line.count) < 0, errno == EINTR {}
  }
}
