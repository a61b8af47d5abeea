import Foundation
import Glibc
import Synchronization
import TestKit
import Testing

@testable import Agent
import VXLAN

@Suite("control server", .serialized)
struct ControlServerTests {
  let directory: ControlTestDirectory
  init() throws { directory = try ControlTestDirectory() }

  @Test(
    "each resource answers 200 with JSON over HTTP/1.1",
    arguments: [
      "status", "segments", "fdb", "peers", "stats", "drops", "mtu?peer=b",
    ])
  func resources(name: String) throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let client = try RawControlClient(directory.socket)
    client.send("GET /v1/\(name) HTTP/1.1\r\nHost: vtep\r\nConnection: close\r\n\r\n")
    let answer = try #require(client.receiveAll())
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("content-type: application/json\r\n"))
    let body = try #require(answer.components(separatedBy: "\r\n\r\n").last)
    let document = try JSONSerialization.jsonObject(with: Data(body.utf8))
    let isList = ["segments", "fdb", "peers"].contains(name)
    #expect(isList ? document is [Any] : document is [String: Any])
  }

  @Test("fdb?vni=42 lists that segment only")
  func filter() throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let answer = try ControlClient(socketPath: directory.socket).get("/v1/fdb?vni=42")
    let entries = try ReportJSON.decode([FDBReport].self, from: answer)
    #expect(entries == FixedReports().entries.filter { $0.vni == 42 })
  }

  @Test(
    "what is not GET, not a path or not HTTP is refused with its status and code",
    arguments: [
      ("POST /v1/fdb HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 405, "method-not-allowed"),
      ("GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"),
      ("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"),
      ("GET /v1/fdb?vni=x HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad-query"),
      ("GET /v1/fdb?vni=99 HTTP/1.1\r\nHost: x\r\n\r\n", 404, "unknown-vni"),
      ("GET /v1/mtu?peer=x HTTP/1.1\r\nHost: x\r\n\r\n", 404, "unknown-peer"),
      ("nonsense\r\n\r\n", 400, "bad-request"),
      ("GET /v1/fdb HTTP/9.9.9\r\n\r\n", 400, "bad-request"),
      ("GET /v1/fdb HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413, "request-too-large"),
    ])
  func refusals(request: String, status: Int, code: String) throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let client = try RawControlClient(directory.socket)
    client.send(request)
    client.finishSending()
    let answer = try #require(client.receiveAll())
    #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
    #expect(errorCode(in: answer) == code)
  }

  @Test("HEAD is refused without a body")
  func head() throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let client = try RawControlClient(directory.socket)
    client.send("HEAD /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    let answer = try #require(client.receiveAll())
    #expect(answer.hasPrefix("HTTP/1.1 405 "))
    #expect(answer.contains("allow: GET\r\n"))
    #expect(answer.hasSuffix("\r\n\r\n"))
  }

  @Test("a connection carries several requests, pipelined ones in their order")
  func keepAlive() throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let client = try RawControlClient(directory.socket)
    client.send("GET /v1/fdb?vni=7 HTTP/1.1\r\nHost: x\r\n\r\n")
    let first = try #require(client.receiveAnswers(1))
    #expect(first.hasPrefix("HTTP/1.1 200 OK"))
    let one = "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
    let two = "GET /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    client.send(one + two)
    let all = try #require(client.receiveAll())
    let statuses = all.components(separatedBy: "HTTP/1.1 ").dropFirst().map { String($0.prefix(3)) }
    #expect(statuses == ["200", "404"])
  }

  @Test("a client that ends its half after the request still gets its answer")
  func halfClose() throws {
    let server = try startControlServer(directory.socket) { _ in
      usleep(100_000)
      return ControlResponse(report: ["late": true])
    }
    defer { server.stop() }
    let client = try RawControlClient(directory.socket)
    client.send("GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
    client.finishSending()
    #expect(try #require(client.receiveAll()).hasSuffix("{\"late\":true}\n"))
  }

  @Test("a slow answer does not stall accept or the refusal of others")
  func slowHandler() throws {
    let release = DispatchSemaphore(value: 0)
    let server = try startControlServer(directory.socket) { _ in
      release.wait()
      return ControlResponse(report: [Int]())
    }
    defer { server.stop() }
    let slow = try RawControlClient(directory.socket)
    slow.send("GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    let other = try RawControlClient(directory.socket)
    other.send("nonsense\r\n\r\n")
    #expect(errorCode(in: other.receiveAll()) == "bad-request")
    release.signal()
    #expect(slow.receiveAll()?.hasSuffix("[]\n") == true)
  }

  @Test("stop returns within 1 s with a handler at work and clients connected, and leaves no file")
  func stop() throws {
    let release = DispatchSemaphore(value: 0)
    let server = try startControlServer(directory.socket) { _ in
      release.wait()
      return ControlResponse(report: [Int]())
    }
    let busy = try RawControlClient(directory.socket)
    busy.send("GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
    let idle = try RawControlClient(directory.socket)
    usleep(50_000)
    let watch = Stopwatch()
    server.stop()
    #expect(watch.elapsed < .seconds(1))
    #expect(!FileManager.default.fileExists(atPath: directory.socket))
    #expect(idle.receiveAll() == "")
    #expect(busy.receiveAll() == "")
    server.stop()
    release.signal()
    #expect(throws: ControlError.self) { try ControlClient(socketPath: directory.socket).get("/v1/status") }
  }

  @Test("stop leaves the socket of another agent that took the path since")
  func stopForeign() throws {
    let first = try startControlServer(directory.socket)
    unlink(directory.socket)
    let second = try startControlServer(directory.socket)
    defer { second.stop() }
    first.stop()
    #expect(try ControlClient(socketPath: directory.socket).get("/v1/peers").isEmpty == false)
  }

  @Test("an answer of several megabytes arrives whole")
  func longAnswer() throws {
    let entry = FixedReports().entries[0]
    let entries = [FDBReport](repeating: entry, count: 50_000)
    let server = try startControlServer(directory.socket) { _ in ControlResponse(report: entries) }
    defer { server.stop() }
    let answer = try ControlClient(socketPath: directory.socket).get("/v1/fdb")
    #expect(try ReportJSON.decode([FDBReport].self, from: answer) == entries)
  }
}
