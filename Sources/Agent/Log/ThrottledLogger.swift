import Logging
import Synchronization
import VXLAN

/// A logger for what hostile or broken traffic can cause: every line passes a `LogThrottle`.
///
/// May be used from any thread; not on the data path.
package final class ThrottledLogger: Sendable {
  private let logger: Logger
  private let throttle = Mutex(LogThrottle())

  package init(_ logger: Logger) {
    self.logger = logger
  }

  /// Writes the line if its class may have one now, and in that class the peer, or without a peer the segment, that it
  /// is about; with `suppressed=N` after a gap.
  package func log(
    _ level: Logger.Level, class lineClass: String, peer: String? = nil, segment: VNI? = nil,
    _ message: @autoclosure () -> Logger.Message, metadata: @autoclosure () -> Logger.Metadata = [:],
    now: ContinuousClock.Instant = .now
  ) {
    // A line below the level is not written at all, and so takes no share of the rate.
    guard level >= logger.logLevel else { return }
    let verdict = throttle.withLock { $0.judge(lineClass, peer: peer ?? segment.map { "vni \($0)" }, now: now) }
    guard case .write(let suppressed) = verdict else { return }
    var fields = metadata()
    if let peer { fields["peer"] = "\(peer)" }
    if let segment { fields["vni"] = "\(segment)" }
    if suppressed > 0 { fields["suppressed"] = "\(suppressed)" }
    logger.log(level: level, message(), metadata: fields)
  }
}
