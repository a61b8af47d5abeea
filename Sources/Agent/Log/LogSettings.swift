import Logging
import Synchronization

/// What of the log is written and how, which a reload may change under all loggers that were made with it. Any thread.
package final class LogSettings: Sendable {
  private let state: Mutex<(level: Logger.Level, format: LogLine.Format)>

  package init(level: Logger.Level = .info, format: LogLine.Format = .logfmt) {
    state = Mutex((level, format))
  }

  /// As the configuration has it.
  package convenience init(_ log: Configuration.Log) {
    self.init(level: log.loggerLevel, format: log.lineFormat)
  }

  package var level: Logger.Level { state.withLock { $0.level } }
  package var format: LogLine.Format { state.withLock { $0.format } }

  /// From the next line on.
  func follow(_ log: Configuration.Log) {
    state.withLock { $0 = (log.loggerLevel, log.lineFormat) }
  }
}

extension Configuration.Log {
  fileprivate var loggerLevel: Logger.Level { Logger.Level(rawValue: level.rawValue) ?? .info }
  fileprivate var lineFormat: LogLine.Format { format == .json ? .json : .logfmt }
}
