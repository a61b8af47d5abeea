import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Decides about each new connection and sets up the pipeline of those that may stay.
final class ControlAcceptor: Sendable {
  private struct TooManyClients: Error {}

  private let limits: ControlLimits
  private let responder: ControlResponder
  private let mayAsk: @Sendable (any Channel) throws -> Bool
  private let clientCount = Mutex(0)

  /// - Parameter mayAsk: whether the client of a new connection may ask; one that may not hears so.
  init(limits: ControlLimits, responder: ControlResponder, mayAsk: @escaping @Sendable (any Channel) throws -> Bool) {
    self.limits = limits
    self.responder = responder
    self.mayAsk = mayAsk
  }

  /// What listens on `group` and has this accept. Holds it for as long as it listens.
  func bootstrap(on group: MultiThreadedEventLoopGroup) -> ServerBootstrap {
    ServerBootstrap(group: group)
      .childChannelInitializer { channel in self.accept(channel) }
      .childChannelOption(.autoRead, value: false)
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(
        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: ControlLimits.readByteCount))
  }

  /// Called on the event loop before the connection becomes active. A failed future closes it.
  private func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
    guard admit() else { return channel.eventLoop.makeFailedFuture(TooManyClients()) }
    channel.closeFuture.whenComplete { _ in self.clientCount.withLock { $0 -= 1 } }
    return channel.eventLoop.makeCompletedFuture {
      let mayAsk = try self.mayAsk(channel)
      let budget = RequestBudget(byteCountMax: self.limits.requestByteCountMax)
      let connection = ControlConnection(
        budget: budget, limits: self.limits, responder: self.responder, mayAsk: mayAsk)
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHandler(budget)
      try pipeline.addHandler(HTTPResponseEncoder())
      try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
      try pipeline.addHandler(connection)
    }
  }

  private func admit() -> Bool {
    clientCount.withLock { count in
      guard count < limits.clientCountMax else { return false }
      count += 1
      return true
    }
  }
}
