import Foundation
import TestKit
import Testing

@testable import Agent

@Suite("control client", .serialized)
struct ControlClientTests {
  let directory: ControlTestDirectory
  init() throws { directory = try ControlTestDirectory() }

  private func failure(_ target: String, deadline: Duration = .seconds(5)) -> ControlError? {
    do throws(ControlError) {
      _ = try ControlClient(socketPath: directory.socket, deadline: deadline).get(target)
      return nil
    } catch {
      return error
    }
  }

  @Test("no socket file is told with what to do")
  func noAgent() throws {
    let error = try #require(failure("/v1/status"))
    #expect(error.code == .noAgent)
    #expect(
      error.message
        == "no agent listens on \(directory.socket): is `vtep run` running? (--socket names another)")
  }

  @Test("the agent's own error comes with its code and sentence")
  func told() throws {
    let server = try startControlServer(directory.socket)
    defer { server.stop() }
    #expect(failure("/v1/fdb?vni=99") == ControlError(.unknownVNI, "there is no segment 99"))
  }

  @Test("an agent that does not answer is given up at the deadline")
  func deadline() throws {
    let release = DispatchSemaphore(value: 0)
    let server = try startControlServer(directory.socket) { _ in
      release.wait()
      return ControlResponse(report: [Int]())
    }
    defer { server.stop() }
    let watch = Stopwatch()
    #expect(failure("/v1/status", deadline: .milliseconds(200))?.code == .noAnswer)
    #expect(watch.elapsed < .seconds(2))
    release.signal()
  }

  @Test("an answer that is no report of ours is named by its status")
  func strange() throws {
    let server = try startControlServer(directory.socket) { _ in ControlResponse(status: 503, body: []) }
    defer { server.stop() }
    #expect(failure("/v1/status")?.message.contains("503") == true)
  }
}
