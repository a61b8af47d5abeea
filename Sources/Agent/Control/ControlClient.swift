import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// Asks a running agent over its control socket. Blocking; for commands, not for the agent.
package struct ControlClient: Sendable {
  /// From the connection attempt to the last byte of the answer.
  package static let standardDeadline: Duration = .seconds(5)
  /// As long as the agent waits for its main thread, and some for the way.
  package static let changeDeadline: Duration = MainThread.answerTime + .seconds(5)

  /// In microseconds.
  private static let retryPause: UInt32 = 50_000

  private let path: ControlSocketPath
  private let deadline: Duration

  /// - Throws: `socket-path` when no socket can have this path.
  package init(socketPath: String, deadline: Duration = standardDeadline) throws(ControlError) {
    self.path = try ControlSocketPath(socketPath)
    self.deadline = deadline
  }

  /// The JSON document that the agent answers to `GET target`, such as `/v1/fdb?vni=42`.
  /// - Throws: `no-agent`, `no-permission`, `no-answer`, `bad-answer`, or what the agent itself answered.
  package func get(_ target: String) throws(ControlError) -> [UInt8] {
    try send("GET", target)
  }

  /// As `get`, of what is told page by page: also where the next page is, nil behind the last.
  package func getPage(_ target: String) throws(ControlError) -> (body: [UInt8], next: String?) {
    let answer = try answer("GET", target)
    return (answer.body, answer.next)
  }

  /// The JSON document that the agent answers to `method target`, such as `DELETE /v1/fdb?vni=42&mac=...`.
  /// - Throws: as `get`.
  package func send(_ method: String, _ target: String, body: [UInt8] = []) throws(ControlError) -> [UInt8] {
    try answer(method, target, body: body).body
  }

  private func answer(_ method: String, _ target: String, body: [UInt8] = []) throws(ControlError) -> ControlAnswer {
    let answer = try patientExchange(HTTPMethod(rawValue: method), target, body)
    guard answer.status == 200 else { throw failure(in: answer) }
    return answer
  }

  /// Who asks is answered also when one agent takes over from another at that moment: a question is asked once more. A
  /// change is not, since it may have been made.
  private func patientExchange(
    _ method: HTTPMethod, _ target: String, _ body: [UInt8]
  ) throws(ControlError) -> ControlAnswer {
    do throws(ControlError) {
      return try exchange(method, target, body)
    } catch {
      guard method == .GET, error == ControlExchange.closed else { throw error }
      usleep(Self.retryPause)
      return try exchange(method, target, body)
    }
  }

  private func exchange(
    _ method: HTTPMethod, _ target: String, _ body: [UInt8]
  ) throws(ControlError) -> ControlAnswer {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    // The threads end with the process or with the call; there is nobody to tell about a late end.
    defer { group.shutdownGracefully { _ in } }
    let promise = group.next().makePromise(of: ControlAnswer.self)
    let timeout = group.next().scheduleTask(in: TimeAmount(deadline)) {
      promise.fail(ControlError(.noAnswer, "the agent on \(path.text) did not answer within \(deadline)"))
    }
    defer { timeout.cancel() }
    let bootstrap = ClientBootstrap(group: group).channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHTTPClientHandlers()
        try channel.pipeline.syncOperations.addHandler(
          ControlExchange(method: method, target: target, body: body, promise: promise))
      }
    }
    bootstrap.connect(to: path.address).whenFailure { promise.fail($0) }
    do {
      return try promise.futureResult.wait()
    } catch let error as ControlError {
      throw error
    } catch {
      throw explain(error)
    }
  }

  private func explain(_ error: any Error) -> ControlError {
    switch (error as? IOError)?.errnoCode {
    case ENOENT, ECONNREFUSED, ENOTDIR:
      ControlError(.noAgent, "no agent listens on \(path.text): is `vtep run` running? (--socket names another)")
    case EACCES, EPERM:
      ControlError(
        .noPermission,
        "no permission to use \(path.text): only root and the agent's own user and group may (try sudo)")
    case EPIPE, ECONNRESET, EAGAIN:
      ControlExchange.closed
    default:
      ControlError(.badAnswer, "asking the agent on \(path.text) failed: \(error)")
    }
  }

  private func failure(in answer: ControlAnswer) -> ControlError {
    guard let told = try? ReportJSON.decode(ControlFailure.self, from: answer.body) else {
      return ControlError(.badAnswer, "the agent on \(path.text) answered with HTTP status \(answer.status)")
    }
    return ControlError(ControlError.Code(rawValue: told.error.code) ?? .badAnswer, told.error.message)
  }
}

/// What came back: a status, the body, and where more is.
struct ControlAnswer: Sendable {
  var status: Int
  var body: [UInt8]
  var next: String?
}

/// The client's half of one request and its answer. Lives on its connection's event loop.
final class ControlExchange: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  /// The longest answer is that about 4,096 peers, two megabytes of JSON; a page of entries is half a megabyte.
  static let answerByteCountMax = 16 << 20
  static let closed = ControlError(
    .noAnswer, "the agent closed the connection without an answer (it serves 64 clients at a time): try again")

  private let method: HTTPMethod
  private let target: String
  private let body: [UInt8]
  private let promise: EventLoopPromise<ControlAnswer>
  private var answer = ControlAnswer(status: 0, body: [])

  init(method: HTTPMethod, target: String, body: [UInt8], promise: EventLoopPromise<ControlAnswer>) {
    self.method = method
    self.target = target
    self.body = body
    self.promise = promise
  }

  func channelActive(context: ChannelHandlerContext) {
    var head = HTTPRequestHead(version: .http1_1, method: method, uri: target)
    head.headers.add(name: "host", value: "vtep")
    head.headers.add(name: "connection", value: "close")
    if method != .GET { head.headers.add(name: "content-length", value: String(body.count)) }
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if !body.isEmpty { context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil) }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      answer.status = Int(head.status.code)
      answer.next = head.headers["link"].lazy.compactMap { WebLink.next(in: $0) }.first
    case .body(let buffer):
      guard answer.body.count + buffer.readableBytes <= Self.answerByteCountMax else {
        promise.fail(ControlError(.badAnswer, "the agent's answer is longer than \(Self.answerByteCountMax) bytes"))
        return context.close(promise: nil)
      }
      answer.body.append(contentsOf: buffer.readableBytesView)
    case .end:
      promise.succeed(answer)
      context.close(promise: nil)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    promise.fail(Self.closed)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    promise.fail(error)
    context.close(promise: nil)
  }
}
