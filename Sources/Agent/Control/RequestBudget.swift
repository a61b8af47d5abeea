import NIOCore

/// Counts a request's bytes before HTTP sees them, and lets no more through than the limit.
///
/// Lives on its connection's event loop.
final class RequestBudget: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  /// What `ControlConnection` gets when a request passes the limit.
  struct Exceeded: Error {}

  private let byteCountMax: Int
  private var isExceeded = false
  /// Bytes since the last complete request.
  private(set) var receivedByteCount = 0

  init(byteCountMax: Int) {
    self.byteCountMax = byteCountMax
  }

  /// The last request is complete; the next one starts at nothing.
  func requestEnded() {
    receivedByteCount = 0
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    receivedByteCount += unwrapInboundIn(data).readableBytes
    guard receivedByteCount > byteCountMax else { return context.fireChannelRead(data) }
    guard !isExceeded else { return }
    isExceeded = true
    context.fireErrorCaught(Exceeded())
  }
}
