import NIOCore
import NIOHTTP1

/// One client of the control socket: takes its requests in order, keeps it to the limits and writes the answers.
///
/// Reads only while it has nothing to answer, so that what a client can make the agent hold is one read and the
/// requests in it. Lives on its connection's event loop.
final class ControlConnection: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private enum Pending {
    case request(HTTPRequestHead, body: [UInt8])
    /// Answered, and the connection closed.
    case failure(ControlError)
  }

  private let budget: RequestBudget
  private let limits: ControlLimits
  private let responder: ControlResponder
  private let mayAsk: Bool

  private var head: HTTPRequestHead?
  /// Of the request that is coming; `budget` counts it.
  private var body: [UInt8] = []
  private var pending: [Pending] = []
  private var isAnswering = false
  /// No more input is looked at: a failure is in the queue, or the client sent its last byte.
  private var isInputEnded = false
  private var timer: Scheduled<Void>?

  init(budget: RequestBudget, limits: ControlLimits, responder: ControlResponder, mayAsk: Bool) {
    self.budget = budget
    self.limits = limits
    self.responder = responder
    self.mayAsk = mayAsk
  }

  func channelActive(context: ChannelHandlerContext) {
    expectRequest(context)
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    isInputEnded = true
    pending = []
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isInputEnded else { return }
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      let announced = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
      if announced > limits.requestByteCountMax { fail(tooLarge(), context) }
    case .body(let buffer):
      body += buffer.readableBytesView
    case .end:
      budget.requestEnded()
      guard let head else { return }
      defer { (self.head, body) = (nil, []) }
      guard pending.count < limits.pipelinedRequestCountMax else {
        return fail(
          ControlError(.badRequest, "more than \(limits.pipelinedRequestCountMax) requests wait for an answer"),
          context)
      }
      enqueue(.request(head, body: body), context)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if !isAnswering && !isInputEnded { context.read() }
    context.fireChannelReadComplete()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard let event = event as? ChannelEvent, event == .inputClosed else {
      return context.fireUserInboundEventTriggered(event)
    }
    isInputEnded = true
    if !isAnswering { context.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard context.channel.isActive, !isInputEnded else { return }
    switch error {
    case is RequestBudget.Exceeded:
      fail(tooLarge(), context)
    case HTTPParserError.headerOverflow:
      fail(headersTooLarge(), context)
    case is HTTPParserError:
      fail(ControlError(.badRequest, "this is not HTTP/1.1"), context)
    default:
      context.close(promise: nil)
    }
  }
}

extension ControlConnection {
  private func expectRequest(_ context: ChannelHandlerContext) {
    let time = mayAsk ? limits.requestTime : min(limits.requestTime, limits.refusedRequestTime)
    setTimer(time, context) { connection, context in connection.requestTimedOut(context) }
    context.read()
  }

  private func requestTimedOut(_ context: ChannelHandlerContext) {
    guard head != nil || budget.receivedByteCount > 0 else { return context.close(promise: nil) }
    fail(ControlError(.requestTimeout, "the request did not arrive within \(limits.requestTime)"), context)
  }

  private func tooLarge() -> ControlError {
    guard head != nil else { return headersTooLarge() }
    return ControlError(.requestTooLarge, "a request may have \(limits.requestByteCountMax) bytes at most")
  }

  private func headersTooLarge() -> ControlError {
    ControlError(
      .headersTooLarge, "a request with its headers may have \(limits.requestByteCountMax) bytes at most")
  }

  private func fail(_ error: ControlError, _ context: ChannelHandlerContext) {
    isInputEnded = true
    enqueue(.failure(error), context)
  }

  private func enqueue(_ item: Pending, _ context: ChannelHandlerContext) {
    pending.append(item)
    if !isAnswering { answerNext(context) }
  }

  private func answerNext(_ context: ChannelHandlerContext) {
    isAnswering = true
    timer?.cancel()
    switch pending.removeFirst() {
    case .failure(let error):
      write(ControlResponse(failure: error), to: nil, context)
    case .request(let head, let body):
      answer(head, body, context)
    }
  }

  private func answer(_ head: HTTPRequestHead, _ body: [UInt8], _ context: ChannelHandlerContext) {
    guard mayAsk else {
      isInputEnded = true
      pending = []
      let refusal = ControlError(.forbidden, "only root and the agent's own user and group may ask")
      return write(ControlResponse(failure: refusal), to: nil, context)
    }
    let request: ControlRequest
    do {
      request = try ControlRequest(method: head.method.rawValue, target: head.uri, body: body)
    } catch {
      return write(ControlResponse(failure: error), to: head, context)
    }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    let channel = context.channel
    responder.answer(request, on: context.eventLoop, isAwaited: { channel.isActive }) { response in
      let (connection, context) = bound.value
      connection.write(response, to: head, context)
    }
  }

  /// Writes an answer; with no `request` to answer, the last one.
  private func write(_ response: ControlResponse, to request: HTTPRequestHead?, _ context: ChannelHandlerContext) {
    guard context.channel.isActive else { return }
    guard let taken = responder.answerBudget.take(response.body.count) else {
      return write(ControlResponse(failure: Self.tooMuchUnread), to: request, context)
    }
    let keepAlive = request?.isKeepAlive ?? false
    var head = HTTPResponseHead(
      version: request?.version ?? .http1_1, status: HTTPResponseStatus(statusCode: response.status))
    head.headers.add(name: "content-type", value: response.contentType)
    head.headers.add(name: "content-length", value: String(response.body.count))
    head.headers.add(name: "connection", value: keepAlive ? "keep-alive" : "close")
    if response.status == 405 { head.headers.add(name: "allow", value: response.allow) }
    if let next = response.next { head.headers.add(name: "link", value: WebLink.next(next)) }
    setTimer(limits.answerTime, context) { _, context in context.close(promise: nil) }
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if request?.method != .HEAD {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: response.body)))), promise: nil)
    }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    // Also when the connection ends before it is read.
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
      let (connection, context) = bound.value
      connection.responder.answerBudget.giveBack(taken)
      connection.answered(keepAlive: keepAlive, context)
    }
  }

  private static let tooMuchUnread = ControlError(
    .busy, "other clients do not read what they asked for; ask again in a second, or end one of them")

  private func answered(keepAlive: Bool, _ context: ChannelHandlerContext) {
    isAnswering = false
    timer?.cancel()
    guard context.channel.isActive else { return }
    if !keepAlive || (isInputEnded && pending.isEmpty) {
      isInputEnded = true
      context.close(promise: nil)
    } else if pending.isEmpty {
      expectRequest(context)
    } else {
      answerNext(context)
    }
  }

  private func setTimer(
    _ time: Duration, _ context: ChannelHandlerContext,
    _ body: @escaping @Sendable (ControlConnection, ChannelHandlerContext) -> Void
  ) {
    timer?.cancel()
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: TimeAmount(time)) {
      let (connection, context) = bound.value
      body(connection, context)
    }
  }
}
