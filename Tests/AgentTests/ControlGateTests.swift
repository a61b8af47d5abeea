import Foundation
import Testing

@testable import Agent

@Suite("control gate")
struct ControlGateTests {
  @Test("until it is opened every request is answered with 503 and the reason, then with reports")
  func opening() throws {
    let directory = try ControlTestDirectory()
    let gate = ControlGate()
    let server = try startControlServer(directory.socket) { gate.answer($0) }
    defer { server.stop() }
    let client = try RawControlClient(directory.socket)
    client.send("GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    let answer = try #require(client.receiveAll())
    #expect(answer.hasPrefix("HTTP/1.1 503 ") && errorCode(in: answer) == "starting")
    let error = #expect(throws: ControlError.self) {
      try ControlClient(socketPath: directory.socket).get("/v1/status")
    }
    #expect(error?.code == .starting && error?.message.contains("still starting") == true)
    gate.open(ControlAPI(source: FixedReports()))
    #expect(try ControlClient(socketPath: directory.socket).get("/v1/status").isEmpty == false)
  }
}
