import Foundation
import Glibc
import TestKit
import Testing
import VXLAN

@testable import Agent

@Suite("the metrics listener", .serialized)
struct MetricsServerTests {
  private let api = MetricsAPI()
  init() { api.open(FixedMetrics()) }

  private func start(_ address: String = "127.0.0.1", limits: ControlLimits = MetricsServer.limits) throws
    -> MetricsServer
  {
    let listen = ListenAddress(address: try #require(IPAddress(address)), tcpPort: 0)
    return try MetricsServer.start(at: listen, limits: limits) { [api] in api.answer($0) }
  }

  private func answer(_ server: MetricsServer, to text: String) throws -> String? {
    let client = try RawControlClient(tcpPort: server.address.tcpPort)
    client.send(text)
    return client.receiveAll()
  }

  private func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" }

  @Test("GET /metrics is 200 with the format's own type, a length and the page")
  func page() throws {
    let server = try start()
    defer { server.stop() }
    let answer = try #require(try answer(server, to: get("/metrics")))
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"))
    #expect(answer.contains("\r\n\r\n# HELP vtep_build_info ") && answer.hasSuffix("\n"))
  }

  @Test(
    "what is no GET of its three paths is refused",
    arguments: [
      ("GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
      ("POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", 405),
      ("DELETE /v1/fdb HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
      ("HEAD /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405), ("nonsense\r\n\r\n", 400),
    ])
  func refusals(request: String, status: Int) throws {
    let server = try start()
    defer { server.stop() }
    let answer = try answer(server, to: request)
    #expect(answer?.hasPrefix("HTTP/1.1 \(status) ") == true)
    #expect(answer?.contains("\r\nallow: GET\r\n") == (status == 405))
  }

  @Test("a line without an end gets 431 after 16 KiB")
  func endlessLine() throws {
    let server = try start()
    defer { server.stop() }
    let client = try RawControlClient(tcpPort: server.address.tcpPort)
    client.send("GET /metrics HTTP/1.1\r\nX-Long: ")
    let part = [UInt8](repeating: UInt8(ascii: "a"), count: 65_536)
    var sent = 0
    while sent < 64 << 20, client.send(part) { sent += part.count }
    #expect(sent < 64 << 20)
    #expect(try answer(server, to: get("/healthz"))?.hasSuffix("\r\n\r\nok\n") == true)
  }

  @Test("16 clients that say nothing keep the 17th out until their time is over")
  func halfOpen() throws {
    var limits = MetricsServer.limits
    #expect(limits.clientCountMax == 16 && limits.requestTime == .seconds(5))
    limits.requestTime = .milliseconds(500)
    let server = try start(limits: limits)
    defer { server.stop() }
    let silent = try (0..<16).map { _ in try RawControlClient(tcpPort: server.address.tcpPort) }
    #expect(try RawControlClient(tcpPort: server.address.tcpPort).receiveAll() == "")
    #expect(eventually { (try? answer(server, to: get("/healthz")))??.hasSuffix("ok\n") == true })
    withExtendedLifetime(silent) {}
  }

  @Test("a port that somebody listens on is an error that names the key and says what to do")
  func inUse() throws {
    let server = try start()
    defer { server.stop() }
    let error = #expect(throws: ControlError.self) { try MetricsServer.start(at: server.address) { api.answer($0) } }
    #expect(error?.code == .socketInUse)
    #expect(error?.message.hasPrefix("control.metrics \(server.address): the port is in use") == true)
  }

  @Test("an address that no device has is an error that says so")
  func foreign() throws {
    let error = #expect(throws: ControlError.self) { try start("192.0.2.77") }
    #expect(error?.message.contains("no device of this host has the address") == true)
  }

  @Test("the port is free again when it has stopped, with clients connected")
  func stop() throws {
    let server = try start()
    let client = try RawControlClient(tcpPort: server.address.tcpPort)
    client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(client.receive()?.isEmpty == false)
    let watch = Stopwatch()
    server.stop()
    server.stop()
    #expect(watch.elapsed < .seconds(2))
    #expect(client.receiveAll() == "")
    let second = try MetricsServer.start(at: server.address) { api.answer($0) }
    second.stop()
  }
}
