import TestKit
import Testing
import VXLAN

@testable import Agent

@Suite("what clients may leave unread", .serialized)
struct AnswerBudgetTests {
  @Test("small answers are free, one alone always passes, and of others as many as there is room for")
  func rules() {
    let budget = AnswerBudget(byteCountMax: 10_000)
    #expect(budget.take(20_000) == 20_000, "alone")
    #expect(budget.take(4_097) == nil && budget.take(4_096) == 0, "4,096 bytes are free")
    budget.giveBack(20_000)
    #expect(budget.take(5_000) == 5_000 && budget.take(5_000) == 5_000 && budget.take(5_000) == nil)
    budget.giveBack(5_000)
    #expect(budget.take(5_001) == nil && budget.take(5_000) == 5_000)
  }

  @Test("threads that take and give back leave nothing behind and never take too much")
  func threads() async {
    let budget = AnswerBudget(byteCountMax: 50_000)
    let takenCount = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          (0..<10_000).reduce(0) { count, _ in
            guard let taken = budget.take(20_000) else { return count }
            budget.giveBack(taken)
            return count + 1
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(takenCount > 0)
    #expect(budget.take(25_000) != nil && budget.take(25_000) != nil && budget.take(5_000) == nil)
  }

  private let directory: ControlTestDirectory
  init() throws { directory = try ControlTestDirectory() }

  private static let target = "GET /long HTTP/1.1\r\nHost: x\r\n\r\n"
  /// More than the buffers of any socket take.
  private static let byteCount = 32 << 20

  /// Answers long ones, and short ones to everything else.
  private static func answer(_ request: ControlRequest) -> ControlResponse {
    guard request.path == "/long" else { return ControlResponse(report: [Int]()) }
    return ControlResponse(status: 200, body: [UInt8](repeating: UInt8(ascii: "\n"), count: Self.byteCount))
  }

  private func status(_ client: RawControlClient) -> String? {
    client.receive().map { String(decoding: $0.prefix(12), as: UTF8.self) }
  }

  /// What clients hear that ask for much, the first of them without reading more than a bit.
  private func judge(_ connect: () throws -> RawControlClient) throws {
    var slow: RawControlClient? = try connect()
    slow?.send(Self.target)
    #expect(slow.flatMap(status) == "HTTP/1.1 200", "alone")
    let refused = try connect()
    refused.send(Self.target)
    let answer = try #require(refused.receiveAnswers(1))
    #expect(answer.hasPrefix("HTTP/1.1 503 ") && errorCode(in: answer) == "busy")
    refused.send("GET /short HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(refused.receiveAnswers(1)?.hasPrefix("HTTP/1.1 200 ") == true, "the connection stays, small answers pass")
    // It goes without having read.
    slow = nil
    let isServed = try eventually {
      let later = try connect()
      later.send(Self.target)
      return status(later) == "HTTP/1.1 200"
    }
    #expect(isServed)
  }

  @Test("clients of the control socket that do not read cost the others long answers, and no more")
  func control() throws {
    #expect(ControlLimits().unreadAnswerByteCountMax == 4 << 20)
    let server = try startControlServer(directory.socket, handler: Self.answer)
    defer { server.stop() }
    try judge { try RawControlClient(directory.socket) }
  }

  @Test("so do those of the metrics")
  func metrics() throws {
    let address = ListenAddress(address: try #require(IPAddress("127.0.0.1")), tcpPort: 0)
    let server = try MetricsServer.start(at: address, handler: Self.answer)
    defer { server.stop() }
    try judge { try RawControlClient(tcpPort: server.address.tcpPort) }
  }
}
