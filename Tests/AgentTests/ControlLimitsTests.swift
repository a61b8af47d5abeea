import Foundation
import Glibc
import TestKit
import Testing

@testable import Agent

@Suite("control limits", .serialized)
struct ControlLimitsTests {
  let directory: ControlTestDirectory
  init() throws { directory = try ControlTestDirectory() }

  private func request(byteCount: Int) -> String {
    let frame = "GET /v1/peers HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    // Lines of 1,000 bytes, then one that fills the request to its length.
    var text = frame
    while byteCount - text.utf8.count > 2_000 { text += "X-Fill: " + String(repeating: "a", count: 990) + "\r\n" }
    let rest = byteCount - text.utf8.count - "X-Last: \r\n\r\n".utf8.count
    return text + "X-Last: " + String(repeating: "b", count: rest) + "\r\n\r\n"
  }

  /// Whether a request has an answer now, and that answer if one is named.
  private func isAnswered(_ target: String, with text: String? = nil) -> Bool {
    guard let answer = try? ControlClient(socketPath: directory.socket).get(target) else { return false }
    return text.map { answer == Array($0.utf8) } ?? !answer.isEmpty
  }

  @Test("64 clients are served and the 65th is closed at once")
  func clients() throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    var clients = try (0..<64).map { _ in try RawControlClient(directory.socket) }
    for client in clients {
      client.send("GET /v1/peers HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(client.receiveAnswers(1)?.hasPrefix("HTTP/1.1 200 ") == true)
    }
    let watch = Stopwatch()
    #expect(try RawControlClient(directory.socket).receiveAll() == "")
    #expect(watch.elapsed < .seconds(1))
    #expect(throws: ControlError.self) { try ControlClient(socketPath: directory.socket).get("/v1/peers") }
    clients.removeLast()
    #expect(eventually { isAnswered("/v1/peers") })
  }

  @Test("a request of 65,536 bytes is answered")
  func largest() throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let client = try RawControlClient(directory.socket)
    let text = request(byteCount: 65_536)
    #expect(text.utf8.count == 65_536)
    client.send(text)
    #expect(client.receiveAll()?.hasPrefix("HTTP/1.1 200 ") == true)
  }

  @Test("headers of 65,537 bytes get 431")
  func headersTooLarge() throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let client = try RawControlClient(directory.socket)
    client.send(request(byteCount: 65_537))
    let answer = client.receiveAll()
    #expect(answer?.hasPrefix("HTTP/1.1 431 ") == true)
    #expect(errorCode(in: answer) == "headers-too-large")
  }

  @Test("a line without an end gets 431, however long it would go on")
  func endlessLine() throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let client = try RawControlClient(directory.socket)
    let part = [UInt8](repeating: UInt8(ascii: "a"), count: 65_536)
    client.send("GET /")
    var sent = 0
    while sent < 16 << 20, client.send(part) { sent += part.count }
    #expect(sent < 16 << 20)
    #expect(client.receiveAll()?.hasPrefix("HTTP/1.1 431 ") == true)
  }

  @Test("a body that does not end gets 413")
  func endlessBody() throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let client = try RawControlClient(directory.socket)
    client.send("GET /v1/peers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    let chunk = "1000\r\n" + String(repeating: "z", count: 4_096) + "\r\n"
    for _ in 0..<20 { client.send(chunk) }
    let answer = client.receiveAll()
    #expect(answer?.hasPrefix("HTTP/1.1 413 ") == true)
    #expect(errorCode(in: answer) == "request-too-large")
  }

  @Test("a request that dribbles in is ended at its deadline, byte by byte or not")
  func dribble() throws {
    var limits = ControlLimits()
    #expect(limits.requestTime == .seconds(5))
    limits.requestTime = .milliseconds(400)
    let server = try startControlServer(directory.socket, limits: limits)
    defer { server.stop() }
    let client = try RawControlClient(directory.socket)
    let watch = Stopwatch()
    for byte in "GET /v1/peers HTTP/1.1\r\n".utf8 {
      guard client.send([byte]) else { break }
      usleep(50_000)
    }
    let answer = client.receiveAll()
    #expect(answer?.hasPrefix("HTTP/1.1 408 ") == true)
    #expect(errorCode(in: answer) == "request-timeout")
    #expect(watch.elapsed < .seconds(3))
  }

  @Test("a connection that sends nothing is closed at the deadline, before and after an answer")
  func silence() throws {
    var limits = ControlLimits()
    limits.requestTime = .milliseconds(1000)
    let server = try startControlServer(directory.socket, limits: limits)
    defer { server.stop() }
    #expect(try RawControlClient(directory.socket).receiveAll() == "")
    let client = try RawControlClient(directory.socket)
    client.send("GET /v1/peers HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(client.receiveAnswers(1) != nil)
    #expect(client.receiveAll() == "")
  }

  @Test("a client that does not read its answer is closed at its deadline and its place is free")
  func slowReader() throws {
    var limits = ControlLimits()
    limits.answerTime = .milliseconds(300)
    limits.clientCountMax = 1
    let bytes = [UInt8](repeating: 0x20, count: 8 << 20)
    let server = try startControlServer(directory.socket, limits: limits) { request in
      request.path == "/long" ? ControlResponse(status: 200, body: bytes) : ControlResponse(report: [Int]())
    }
    defer { server.stop() }
    let client = try RawControlClient(directory.socket)
    client.send("GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(eventually(within: .seconds(3)) { isAnswered("/short", with: "[]\n") })
    withExtendedLifetime(client) {}
  }

  @Test("16 requests may wait in one connection, and the flood behind them is refused")
  func pipelining() throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    let client = try RawControlClient(directory.socket)
    client.send(String(repeating: "GET /v1/peers HTTP/1.1\r\n\r\n", count: 100))
    let answer = try #require(client.receiveAll())
    let good = answer.components(separatedBy: "HTTP/1.1 200 ").count - 1
    // One at work and 16 behind it.
    #expect(good == 17)
    #expect(errorCode(in: answer) == "bad-request")
  }

  @Test("garbage of every kind leaves the server answering")
  func garbage() throws {
    var limits = ControlLimits()
    limits.requestTime = .milliseconds(100)
    let server = try startControlServer(directory.socket, limits: limits)
    defer { server.stop() }
    let seed: UInt64 = 0x5EED_0002
    var state = seed
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    let good = Array("GET /v1/fdb?vni=42 HTTP/1.1\r\nHost: vtep\r\nContent-Length: 3\r\n\r\nabc".utf8)
    for round in 0..<1_000 {
      var bytes = round % 2 == 0 ? good : (0..<Int(next() % 600)).map { _ in UInt8(truncatingIfNeeded: next()) }
      for _ in 0..<(1 + next() % 4) where !bytes.isEmpty {
        bytes[Int(next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: next())
      }
      let client = try RawControlClient(directory.socket)
      client.send(bytes)
      if round % 3 != 0 {
        client.finishSending()
        #expect(client.receiveAll() != nil, "seed \(seed), round \(round)")
      }
    }
    #expect(eventually { isAnswered("/v1/peers") })
  }
}
