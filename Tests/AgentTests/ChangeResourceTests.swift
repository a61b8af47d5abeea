import Synchronization
import Testing
import VXLAN

@testable import Agent

/// An agent that notes what it is asked for, or refuses it.
private final class NotedChanges: ChangeControl {
  let asked = Mutex<[String]>([])
  let failure: ControlError?

  init(failure: ControlError? = nil) {
    self.failure = failure
  }

  private func note(_ text: String) throws(ControlError) -> ChangeReport {
    asked.withLock { $0.append(text) }
    if let failure { throw failure }
    var change = ConfigurationChange(.peer, .added)
    change.name = "x"
    return ChangeReport(changes: [change])
  }

  func reload() throws(ControlError) -> ChangeReport { try note("reload") }
  func addPeer(_ body: [UInt8]) throws(ControlError) -> ChangeReport {
    try note("add peer " + String(decoding: body, as: UTF8.self))
  }
  func removePeer(_ name: String) throws(ControlError) -> ChangeReport { try note("remove peer \(name)") }
  func addSegment(_ body: [UInt8]) throws(ControlError) -> ChangeReport {
    try note("add segment " + String(decoding: body, as: UTF8.self))
  }
  func removeSegment(_ vni: VNI) throws(ControlError) -> ChangeReport { try note("remove segment \(vni)") }
}

@Suite("requests that change peers and segments", .serialized)
struct ChangeResourceTests {
  private let directory: ControlTestDirectory

  init() throws {
    directory = try ControlTestDirectory()
  }

  private func serve(_ control: NotedChanges) throws -> ControlServer {
    let api = ControlAPI(source: FixedReports(), changes: control)
    return try ControlServer.start(path: directory.socket) { api.answer($0) }
  }

  @Test(
    "each request asks for what it says, with its body, and is answered with the changes",
    arguments: [
      ("POST", "/v1/reload", "", "reload"), ("POST", "/v1/peers", #"{"name":"x"}"#, #"add peer {"name":"x"}"#),
      ("DELETE", "/v1/peers/x%20y", "", "remove peer x y"), ("POST", "/v1/segments", "{}", "add segment {}"),
      ("DELETE", "/v1/segments/42", "", "remove segment 42"),
    ])
  func asks(method: String, target: String, body: String, asked: String) throws {
    let control = NotedChanges()
    let server = try serve(control)
    defer { server.stop() }
    let answer = try ControlClient(socketPath: directory.socket).send(method, target, body: Array(body.utf8))
    #expect(
      String(decoding: answer, as: UTF8.self) == #"{"changes":[{"change":"added","kind":"peer","name":"x"}]}"# + "\n")
    #expect(control.asked.withLock { $0 } == [asked])
  }

  @Test(
    "other methods, names and queries are refused, and nothing is asked for",
    arguments: [
      ("GET", "/v1/reload", ControlError.Code.methodNotAllowed), ("PUT", "/v1/peers", .methodNotAllowed),
      ("POST", "/v1/peers/x", .methodNotAllowed), ("DELETE", "/v1/segments/x", .notFound),
      ("DELETE", "/v1/segments/16777216", .notFound), ("POST", "/v1/reload?now=1", .badQuery),
    ])
  func refuses(method: String, target: String, code: ControlError.Code) throws {
    let control = NotedChanges()
    let api = ControlAPI(source: FixedReports(), changes: control)
    let answer = api.answer(try ControlRequest(method: method, target: target))
    #expect(answer.status == code.httpStatus)
    #expect(String(decoding: answer.body, as: UTF8.self).contains("\"\(code.rawValue)\""))
    #expect(control.asked.withLock { $0.isEmpty })
  }

  @Test("lists are still lists")
  func lists() throws {
    let api = ControlAPI(source: FixedReports(), changes: NotedChanges())
    for path in ["/v1/peers", "/v1/segments", "/v1/segments?vni=42"] {
      #expect(api.answer(try ControlRequest(method: "GET", target: path)).body.first == UInt8(ascii: "["))
    }
  }

  @Test("a body of as much as a request may have arrives whole, one byte more is refused")
  func largeBody() throws {
    let control = NotedChanges()
    let server = try serve(control)
    defer { server.stop() }
    let limit = ControlLimits().requestByteCountMax
    func send(_ byteCount: Int) throws -> String? {
      let client = try RawControlClient(directory.socket)
      var head = "POST /v1/peers HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
      let bodyByteCount = byteCount - head.utf8.count - 4 - String(byteCount).utf8.count
      head += "\(bodyByteCount)\r\n\r\n"
      client.send(head + String(repeating: "a", count: bodyByteCount))
      return client.receiveAll()
    }
    let whole = try #require(try send(limit - 1))
    #expect(whole.hasPrefix("HTTP/1.1 200 "))
    #expect(control.asked.withLock { $0.first?.utf8.count ?? 0 } > 65_000)
    #expect(errorCode(in: try send(limit + 1)) == "request-too-large")
  }

  @Test("commands print what has changed, and for what is refused every reason: 78 for reload, 1 for the others")
  func commands() throws {
    let program = try BuiltProgram()
    var server = try serve(NotedChanges())
    let done = try program.run(["reload", "--socket", directory.socket])
    #expect(done.status == 0 && done.output == "peer x: added\n" && done.message.isEmpty)
    let json = try program.run(["reload", "-j", "--socket", directory.socket])
    #expect(json.output == #"{"changes":[{"change":"added","kind":"peer","name":"x"}]}"# + "\n")
    server.stop()
    server = try serve(NotedChanges(failure: ControlError(.refused, "f:1: one\nf:2: two")))
    let refused = try program.run(["reload", "--socket", directory.socket])
    #expect(refused.status == 78 && refused.message == "f:1: one\nf:2: two\n" && refused.output.isEmpty)
    let peer = try program.run(["peer", "del", "b", "--socket", directory.socket])
    #expect(peer.status == 1 && peer.message == "vtep: f:1: one\nf:2: two\n")
    server.stop()
    server = try serve(NotedChanges(failure: ControlError(.failed, "no TAP")))
    #expect(try program.run(["reload", "--socket", directory.socket]).status == 1)
    server.stop()
  }

  @Test("options become the keys of the configuration")
  func options() throws {
    let program = try BuiltProgram()
    let control = NotedChanges()
    let server = try serve(control)
    defer { server.stop() }
    for arguments in [
      [
        "peer", "add", "c", "--address", "192.0.2.3", "--port", "1", "--sealed-port", "2", "--public-key", "k",
        "--segments", "42,43", "--fdb-limit", "9",
      ],
      ["peer", "add", "c", "--address", "192.0.2.3"],
      [
        "segment", "add", "--vni", "43", "--tap", "vx43", "--address", "10.0.0.1/24", "--address", "fd00::1/64",
        "--mtu", "1400", "--sealed", "--peers", "a,b",
      ],
      ["segment", "del", "--vni", "43"],
    ] {
      let done = try program.run(arguments + ["--socket", directory.socket])
      #expect(done.status == 0 && done.output.isEmpty, "\(done)")
    }
    let full = #"{"address":"192.0.2.3","fdb-limit":9,"name":"c","port":1,"public-key":"k","sealed-port":2,"#
    let tap = #"{"address":["10.0.0.1/24","fd00::1/64"],"mtu":1400,"peers":["a","b"],"sealed":true,"tap":"vx43","#
    let expected: [String] = [
      "add peer \(full)\"segments\":[42,43]}\n", #"add peer {"address":"192.0.2.3","name":"c"}"# + "\n",
      "add segment \(tap)\"vni\":43}\n", "remove segment 43",
    ]
    let asked = control.asked.withLock { $0 }
    #expect(asked == expected)
    #expect(try program.run(["peer", "add", "c", "--address", "a", "--segments", "x"]).status == 64)
  }
}
