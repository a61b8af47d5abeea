import LinuxIO
import Synchronization

/// What a running agent tells those who watch it.
///
/// Called off the event loop, one call at a time.
protocol MetricsSource: Sendable {
  /// May take seconds while a worker does not answer.
  func metricsReading() -> MetricsReading
  /// The same.
  func stalledWorkers() -> [Int]
  /// A line for each TAP that does not work.
  func brokenTAPs() -> [String]
}

/// The resources of the metrics listener: `GET /metrics`, `/healthz` and `/readyz`. Nothing here changes the agent, and
/// nothing of it is secret.
///
/// What is read of the workers is kept for a moment, so that whoever asks more often costs frames nothing.
///
/// *Threads.* Any; one answer at a time.
final class MetricsAPI: Sendable {
  static let paths = ["/metrics", "/healthz", "/readyz"]
  /// How long an answer serves those who ask again: as long as it took so many times over, within these bounds.
  private static let costFactor: UInt64 = 50
  private static let keepingTimes: ClosedRange<UInt64> = 100_000_000...1_000_000_000

  private enum Phase {
    case starting
    case running(any MetricsSource)
    case stopping
  }

  /// What was answered, until when it serves, in nanoseconds.
  private struct Kept<Value: Sendable>: Sendable {
    var value: Value
    var until: UInt64
  }

  private let phase = Mutex(Phase.starting)
  private let page = Mutex<Kept<[UInt8]>?>(nil)
  private let stalled = Mutex<Kept<[Int]>?>(nil)
  private let now: @Sendable () -> UInt64

  /// - Parameter now: nanoseconds of a clock that does not go back.
  init(now: @escaping @Sendable () -> UInt64 = { Clock.now() }) {
    self.now = now
  }

  /// The agent carries frames.
  func open(_ source: any MetricsSource) { phase.withLock { $0 = .running(source) } }

  /// The agent ends; it is asked nothing any more.
  func close() { phase.withLock { $0 = .stopping } }

  func answer(_ request: ControlRequest) -> ControlResponse {
    guard Self.paths.contains(request.path) else {
      return Self.text(404, "there are \(Self.paths.joined(separator: ", "))")
    }
    guard request.method == "GET" else { return Self.text(405, "\(request.path) answers GET only") }
    let source: any MetricsSource
    switch phase.withLock({ $0 }) {
    case .starting: return request.path == "/healthz" ? Self.text(200, "ok") : Self.text(503, "starting")
    case .stopping: return request.path == "/healthz" ? Self.text(200, "ok") : Self.text(503, "stopping")
    case .running(let running): source = running
    }
    switch request.path {
    case "/healthz": return health(source)
    case "/readyz": return readiness(source)
    default: return metrics(source)
    }
  }

  private func metrics(_ source: any MetricsSource) -> ControlResponse {
    var response = ControlResponse(
      status: 200, body: kept(page) { PrometheusText.encode(source.metricsReading().families) })
    response.contentType = PrometheusText.contentType
    return response
  }

  private func health(_ source: any MetricsSource) -> ControlResponse {
    let numbers = kept(stalled) { source.stalledWorkers() }
    guard !numbers.isEmpty else { return Self.text(200, "ok") }
    return Self.text(503, numbers.map { "worker \($0) makes no progress" }.joined(separator: "\n"))
  }

  private func readiness(_ source: any MetricsSource) -> ControlResponse {
    let broken = source.brokenTAPs()
    return broken.isEmpty ? Self.text(200, "ready") : Self.text(503, broken.joined(separator: "\n"))
  }

  /// What was read before, if that still serves, or what `read` reads now.
  private func kept<Value: Sendable>(_ place: borrowing Mutex<Kept<Value>?>, _ read: () -> Value) -> Value {
    let start = now()
    if let last = place.withLock({ $0 }), start < last.until { return last.value }
    let value = read()
    let end = now()
    let cost = (end &- start).multipliedReportingOverflow(by: Self.costFactor).partialValue
    let until = end &+ min(max(cost, Self.keepingTimes.lowerBound), Self.keepingTimes.upperBound)
    place.withLock { $0 = Kept(value: value, until: until) }
    return value
  }

  private static func text(_ status: Int, _ line: String) -> ControlResponse {
    var response = ControlResponse(status: status, body: Array((line + "\n").utf8))
    response.contentType = "text/plain; charset=utf-8"
    return response
  }
}
