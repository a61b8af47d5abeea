import Foundation
import Glibc
import Synchronization
import TestKit
import Testing

@testable import Agent

@Suite("requests that wait, and clients that are gone", .serialized)
struct ControlWaitingTests {
  let directory: ControlTestDirectory
  init() throws { directory = try ControlTestDirectory() }

  private static let wait = "GET /v1/events?after=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

  /// A server with a history that nothing has happened in, and how often it was asked for events.
  private func server(_ history: EventHistory) throws -> (server: ControlServer, asked: Counter) {
    let api = ControlAPI(source: FixedReports(), events: history)
    let asked = Counter()
    let server = try startControlServer(directory.socket) { request in
      if request.path == "/v1/events" { asked.count() }
      return api.answer(request)
    }
    return (server, asked)
  }

  private final class Counter: Sendable {
    private let number = Atomic<Int>(0)
    var value: Int { number.load(ordering: .acquiring) }
    func count() { number.add(1, ordering: .acquiringAndReleasing) }
  }

  @Test("32 requests wait for events, the 33rd is told what to do, and other requests are answered")
  func bound() throws {
    let history = EventHistory()
    let (server, asked) = try server(history)
    defer { server.stop() }
    let waiting = try (0..<32).map { _ in try RawControlClient(directory.socket) }
    for client in waiting { client.send(Self.wait) }
    #expect(eventually { asked.value >= 32 })
    func refusal() throws -> String? {
      let client = try RawControlClient(directory.socket)
      client.send(Self.wait)
      return client.receiveAll()
    }
    let refused = try #require(try refusal())
    #expect(refused.hasPrefix("HTTP/1.1 503 ") && errorCode(in: refused) == "too-many-waiting")
    #expect(refused.contains("ask again in a second"))
    let client = try ControlClient(socketPath: directory.socket)
    #expect(try !client.get("/v1/status").isEmpty && !client.get("/v1/events").isEmpty)
    // Who waits hears of what happens, and so does who found no place.
    history.append([EventReport(time: "t", event: "learned")], lostCount: 0)
    for client in waiting { #expect(client.receiveAll()?.contains("learned") == true) }
    #expect(String(decoding: try client.get("/v1/events?after=0"), as: UTF8.self).contains("learned"))
  }

  @Test("the place of one that left is given to the next")
  func places() throws {
    var limits = ControlLimits()
    limits.waitingRequestCountMax = 1
    let history = EventHistory()
    let api = ControlAPI(source: FixedReports(), events: history)
    let server = try startControlServer(directory.socket, limits: limits) { api.answer($0) }
    defer { server.stop() }
    for _ in 0..<3 {
      // Refused at once while the one before has the place; this one is held.
      #expect(eventually(isHeld))
    }
  }

  /// Whether a request for events waits, rather than being refused; it leaves then.
  private func isHeld() -> Bool {
    do throws(ControlError) {
      _ = try ControlClient(socketPath: directory.socket, deadline: .milliseconds(300)).get("/v1/events?after=0")
      return false
    } catch {
      return error.code == .noAnswer
    }
  }

  @Test("a request whose client is gone is passed over, and one that only ended its half is answered")
  func gone() throws {
    let (release, begun) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let asked = Mutex<[String]>([])
    let server = try startControlServer(directory.socket) { request in
      asked.withLock { $0.append(request.path) }
      guard request.path == "/slow" else { return ControlResponse(report: [Int]()) }
      begun.signal()
      release.wait()
      return ControlResponse(report: [Int]())
    }
    defer { server.stop() }
    let slow = try RawControlClient(directory.socket)
    slow.send("GET /slow HTTP/1.1\r\nConnection: close\r\n\r\n")
    begun.wait()
    for number in 0..<20 {
      let client = try RawControlClient(directory.socket)
      client.send("GET /gone\(number) HTTP/1.1\r\n\r\n")
      // Long enough to be read before it leaves.
      withExtendedLifetime(client) { _ = usleep(5_000) }
    }
    let half = try RawControlClient(directory.socket)
    half.send("GET /half HTTP/1.1\r\n\r\n")
    half.finishSending()
    // The event loop has heard of those that left once it has answered a later client.
    let late = try RawControlClient(directory.socket)
    late.send("nonsense\r\n\r\n")
    #expect(errorCode(in: late.receiveAll()) == "bad-request")
    release.signal()
    #expect(half.receiveAll()?.hasSuffix("[]\n") == true)
    #expect(asked.withLock { $0 } == ["/slow", "/half"])
  }
}
