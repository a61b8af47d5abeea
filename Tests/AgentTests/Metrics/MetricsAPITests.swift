import Synchronization
import Testing

@testable import Agent

@Suite("metrics and health over HTTP")
struct MetricsAPITests {
  private final class TestClock: Sendable {
    let nanoseconds = Atomic<UInt64>(0)
    func pass(milliseconds: UInt64) { nanoseconds.add(milliseconds * 1_000_000, ordering: .relaxed) }
  }

  private let clock = TestClock()
  private let api: MetricsAPI
  private let source = FixedMetrics()

  init() {
    let clock = clock
    api = MetricsAPI { clock.nanoseconds.load(ordering: .relaxed) }
  }

  private func answer(_ path: String, method: String = "GET") throws -> (status: Int, text: String) {
    let response = api.answer(try ControlRequest(method: method, target: path))
    return (response.status, String(decoding: response.body, as: UTF8.self))
  }

  @Test("before the agent runs and after it ends only /healthz is 200", arguments: ["starting", "stopping"])
  func phases(word: String) throws {
    if word == "stopping" {
      api.open(source)
      api.close()
    }
    #expect(try answer("/healthz") == (200, "ok\n"))
    #expect(try answer("/readyz") == (503, "\(word)\n"))
    #expect(try answer("/metrics") == (503, "\(word)\n"))
    #expect(source.asked.load(ordering: .relaxed) == 0)
  }

  @Test("a running agent is alive and ready, and tells metrics in text")
  func running() throws {
    api.open(source)
    #expect(try answer("/healthz") == (200, "ok\n"))
    #expect(try answer("/readyz") == (200, "ready\n"))
    let response = api.answer(try ControlRequest(method: "GET", target: "/metrics?x=y"))
    #expect(response.status == 200)
    #expect(response.contentType == "text/plain; version=0.0.4; charset=utf-8")
    #expect(String(decoding: response.body, as: UTF8.self).contains("\nvtep_fdb_limit{vni=\"42\"} 100\n"))
  }

  @Test("a worker without progress makes /healthz 503 with its number, a broken TAP /readyz with its name")
  func unwell() throws {
    api.open(source)
    source.stalled.withLock { $0 = [1, 3] }
    source.broken.withLock { $0 = ["the TAP vx42 of segment 42 does not work"] }
    #expect(try answer("/healthz") == (503, "worker 1 makes no progress\nworker 3 makes no progress\n"))
    #expect(try answer("/readyz") == (503, "the TAP vx42 of segment 42 does not work\n"))
    #expect(try answer("/metrics").status == 200)
  }

  @Test("another path is 404, another method 405", arguments: ["/", "/metrics/", "/v1/status", "/healthz/x"])
  func others(path: String) throws {
    api.open(source)
    #expect(try answer(path).status == 404)
    #expect(try answer(path, method: "POST").status == 404)
    for known in MetricsAPI.paths { #expect(try answer(known, method: "HEAD").status == 405) }
  }

  @Test("who asks again within a tenth of a second gets what was read before, and later what is")
  func keeping() throws {
    api.open(source)
    let first = try answer("/metrics").text
    clock.pass(milliseconds: 99)
    for _ in 0..<100 { #expect(try answer("/metrics").text == first) }
    #expect(source.asked.load(ordering: .relaxed) == 1)
    clock.pass(milliseconds: 1)
    #expect(try answer("/metrics").text != first)
    #expect(try answer("/healthz").status == 200)
    source.stalled.withLock { $0 = [0] }
    #expect(try answer("/healthz").status == 200)
    clock.pass(milliseconds: 100)
    #expect(try answer("/healthz").status == 503)
  }
}
