import Foundation
import TestKit
import Testing

@testable import Agent

@Suite("vtep fdb of large tables", .serialized)
struct FDBListingTests {
  let directory: ControlTestDirectory
  init() throws { directory = try ControlTestDirectory() }

  private static func reports(_ count: Int) -> FixedReports {
    FixedReports(
      entries: (0..<count).map { number in
        let low = String(number | 0x1_000_000, radix: 16).dropFirst()
        let mac = "02:00:00:\(low.prefix(2)):\(low.dropFirst(2).prefix(2)):\(low.suffix(2))"
        return FDBReport(mac: mac, vni: 42, peer: "b", address: "192.0.2.2", state: .dynamic, ageSeconds: number)
      })
  }

  private func server(_ count: Int) throws -> ControlServer {
    let api = ControlAPI(source: Self.reports(count))
    return try startControlServer(directory.socket) { api.answer($0) }
  }

  @Test("who asks for all gets all that one answer holds, and beyond that a refusal that says how to ask")
  func whole() throws {
    let full = ControlLimits.pageEntryCountMax
    for (count, status) in [(0, 200), (full, 200), (full + 1, 409)] {
      let api = ControlAPI(source: Self.reports(count))
      let answer = api.answer(try ControlRequest(method: "GET", target: "/v1/fdb?vni=42"))
      #expect(answer.status == status && answer.next == nil)
      guard status == 409 else { continue }
      let failure = try ReportJSON.decode(ControlFailure.self, from: answer.body)
      #expect(failure.error.code == "too-many-entries" && failure.error.message.contains("/v1/fdb?vni=42&after= on"))
    }
  }

  @Test("pages lead from one to the next until all are told, with the filter that the first had")
  func links() throws {
    let server = try server(10_000)
    defer { server.stop() }
    let client = try ControlClient(socketPath: directory.socket)
    var told: [FDBReport] = []
    var sizes: [Int] = []
    var rest: String? = "/v1/fdb?vni=42&after="
    while let target = rest {
      #expect(target.hasPrefix("/v1/fdb?vni=42&after="))
      let page = try client.getPage(target)
      told += try ReportJSON.decode([FDBReport].self, from: page.body)
      sizes.append(told.count)
      rest = page.next
    }
    #expect(sizes == [4096, 8192, 10_000] && told == Self.reports(10_000).entries)
  }

  @Test("what is no cursor is refused", arguments: ["x", "42", "42,zz", "42,02:00:00:00:00:05,"])
  func badCursor(text: String) throws {
    let request = try ControlRequest(method: "GET", target: "/v1/fdb?after=\(text)")
    #expect(ControlAPI(source: Self.reports(1)).answer(request).status == 400)
  }

  @Test(
    "vtep fdb -j is one list of all entries, byte for byte, however many pages it takes",
    arguments: [0, 1, 4096, 4097, 10_000])
  func json(count: Int) throws {
    let server = try server(count)
    defer { server.stop() }
    let result = try vtep("fdb", "-j")
    #expect(result.status == 0 && result.message.isEmpty)
    #expect(Array(result.output.utf8) == (try ReportJSON.encode(Self.reports(count).entries)))
  }

  @Test("vtep fdb prints one header and a line for each entry")
  func text() throws {
    let server = try server(10_000)
    defer { server.stop() }
    let lines = try vtep("fdb").output.split(separator: "\n")
    #expect(lines.count == 10_001 && lines.filter { $0.hasPrefix("VNI  MAC") }.count == 1)
    #expect(Set(lines.dropFirst().map { $0.split(separator: " ")[1] }).count == 10_000)
  }

  @Test("an agent that goes away in the middle is told, with status 1")
  func interrupted() throws {
    let api = ControlAPI(source: Self.reports(10_000))
    let server = try startControlServer(directory.socket) { request in
      guard request.query["after"] == "" else { return ControlResponse(failure: ControlError(.internal, "it broke")) }
      return api.answer(request)
    }
    defer { server.stop() }
    let result = try vtep("fdb", "-j")
    #expect(result.status == 1 && result.message == "vtep: it broke\n" && !result.output.hasSuffix("]\n"))
  }

  /// Clients that begin to read an answer.
  private func readers(_ count: Int) throws -> [RawControlClient] {
    let readers = try (0..<count).map { _ in try RawControlClient(directory.socket) }
    for reader in readers {
      reader.send("GET /v1/fdb?after= HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(reader.receive()?.isEmpty == false, "the answer has begun, and the rest is left where it is")
    }
    return readers
  }

  @Test("seven readers that stop in the middle of a page hold nobody up, and more of them long answers alone")
  func slowReaders() throws {
    let server = try server(10_000)
    defer { server.stop() }
    let client = try ControlClient(socketPath: directory.socket)
    let few = try readers(7)
    let watch = Stopwatch()
    #expect(try client.getPage("/v1/fdb?after=").body.count > 400_000)
    let many = try readers(32)
    #expect(try client.get("/v1/peers").count > 100)
    let error = #expect(throws: ControlError.self) { try client.getPage("/v1/fdb?after=") }
    #expect(error?.code == .busy && watch.elapsed < .seconds(2))
    withExtendedLifetime((few, many)) {}
  }

  private func vtep(_ arguments: String...) throws -> (status: Int32, output: String, message: String) {
    try BuiltProgram().run(arguments + ["--socket", directory.socket])
  }
}
